// Command exchange reads a JSON array of tasks on standard input and writes, in the same order, what go-jose or httpsign
// made of each of them to standard output.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// task is one thing to sign or to verify; which fields are set follows from what is to be done.
type task struct {
	Name string `json:"name"`
	Do   string `json:"do"`
	Alg  string `json:"alg"`

	Key    json.RawMessage `json:"key"`
	Header map[string]any  `json:"header"`
	Claims map[string]any  `json:"claims"`
	Token  string          `json:"token"`
	Aud    string          `json:"audience"`

	Message    message     `json:"message"`
	Label      string      `json:"label"`
	Components []component `json:"components"`
	Parameters parameters  `json:"parameters"`
}

// answer is "accept", "refuse", "unsupported" or "crash"; what was signed or understood is the output.
type answer struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict"`
	Detail  string `json:"detail,omitempty"`
	Output  any    `json:"output,omitempty"`
}

// errUnsupported says that the package does not offer what a task asks for.
var errUnsupported = errors.New("not offered")

var doers = map[string]func(task) (any, error){
	"sign-token":     signToken,
	"verify-token":   verifyToken,
	"sign-message":   signMessage,
	"verify-message": verifyMessage,
}

func main() {
	var tasks []task
	if err := json.NewDecoder(os.Stdin).Decode(&tasks); err != nil {
		fmt.Fprintln(os.Stderr, "cannot read the tasks:", err)
		os.Exit(1)
	}
	answers := make([]answer, 0, len(tasks))
	for _, each := range tasks {
		answers = append(answers, perform(each))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fmt.Fprintln(os.Stderr, "cannot write the answers:", err)
		os.Exit(1)
	}
}

func perform(each task) (result answer) {
	defer func() {
		if problem := recover(); problem != nil {
			result = answer{Name: each.Name, Verdict: "crash", Detail: fmt.Sprint(problem)}
		}
	}()
	output, err := doers[each.Do](each)
	switch {
	case errors.Is(err, errUnsupported):
		return answer{Name: each.Name, Verdict: "unsupported", Detail: err.Error()}
	case err != nil:
		return answer{Name: each.Name, Verdict: "refuse", Detail: err.Error()}
	}
	return answer{Name: each.Name, Verdict: "accept", Output: output}
}
