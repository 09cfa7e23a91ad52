// Command judge reads a JSON array of cases on standard input and writes what go-spiffe makes of each of them, in the
// same order, to standard output.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// item is one case; which fields are set follows from the kind. Byte slices travel as base64.
type item struct {
	Name string `json:"name"`
	Kind string `json:"kind"`

	Text     string `json:"text"`
	Document []byte `json:"document"`

	Chain       [][]byte            `json:"chain"`
	Authorities map[string][][]byte `json:"authorities"`
	TimeMs      int64               `json:"timeMs"`

	Certificates []byte `json:"certificates"`
	Key          []byte `json:"key"`

	Token    string            `json:"token"`
	Bundles  map[string][]byte `json:"bundles"`
	Format   string            `json:"format"`
	Audience []string          `json:"audience"`
}

// opinion is "refuse", "accept" with what was understood behind it, "crash", or "unsupported".
type opinion struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict"`
	Detail  string `json:"detail,omitempty"`
}

// judge understands a case, or says why not.
type judge func(item) (string, error)

var judges = map[string]judge{
	"id":              judgeID,
	"trust-domain":    judgeTrustDomain,
	"address":         judgeAddress,
	"x509":            judgeX509,
	"x509-parse-der":  judgeX509ParseDER,
	"x509-parse-pem":  judgeX509ParsePEM,
	"x509-bundle-der": judgeX509BundleDER,
	"x509-bundle-pem": judgeX509BundlePEM,
	"jwt":             judgeJWT,
	"wit":             judgeWIT,
	"jwt-bundle":      judgeJWTBundle,
	"wit-bundle":      judgeWITBundle,
	"spiffe-bundle":   judgeSPIFFEBundle,
}

func main() {
	var items []item
	if err := json.NewDecoder(os.Stdin).Decode(&items); err != nil {
		fmt.Fprintln(os.Stderr, "cannot read the cases:", err)
		os.Exit(1)
	}
	opinions := make([]opinion, 0, len(items))
	for _, each := range items {
		opinions = append(opinions, consider(each))
	}
	if err := json.NewEncoder(os.Stdout).Encode(opinions); err != nil {
		fmt.Fprintln(os.Stderr, "cannot write the verdicts:", err)
		os.Exit(1)
	}
}

func consider(each item) (result opinion) {
	defer func() {
		if problem := recover(); problem != nil {
			result = opinion{Name: each.Name, Verdict: "crash", Detail: fmt.Sprint(problem)}
		}
	}()
	decide, ok := judges[each.Kind]
	if !ok {
		return opinion{Name: each.Name, Verdict: "unsupported"}
	}
	understood, err := decide(each)
	if err != nil {
		return opinion{Name: each.Name, Verdict: "refuse", Detail: err.Error()}
	}
	return opinion{Name: each.Name, Verdict: "accept " + understood}
}
