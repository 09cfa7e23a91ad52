// Package peer is what the workloads at the other end of a connection have in common. The first line of output says who
// the workload is and where it serves; then each line of standard input is an order, and each is answered by one line.
package peer

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

type announcement struct {
	ID   string `json:"id"`
	Port int    `json:"port"`
	// ClosedPort lets in somebody else only.
	ClosedPort int `json:"closedPort"`
}

// Serve serves connections of one client until it fails.
type Serve func(source *workloadapi.X509Source, client spiffeid.ID, listener net.Listener) error

// Main serves, and carries out orders, until standard input ends.
func Main[Order, Outcome any](serve Serve, obey func(context.Context, *workloadapi.X509Source, Order) (Outcome, error)) {
	address := flag.String("socket", "", "address of the Workload API, such as unix:///run/agent.sock")
	uid := flag.Int("uid", os.Getuid(), "user to become")
	client := flag.String("client", "", "the only identity that is served")
	flag.Parse()
	if err := run(context.Background(), *address, *uid, *client, serve, obey); err != nil {
		fail(err)
	}
}

func run[Order, Outcome any](
	ctx context.Context,
	address string,
	uid int,
	client string,
	serve Serve,
	obey func(context.Context, *workloadapi.X509Source, Order) (Outcome, error),
) error {
	if uid != os.Getuid() {
		if err := syscall.Setgid(uid); err != nil {
			return err
		}
		if err := syscall.Setuid(uid); err != nil {
			return err
		}
	}
	source, err := workloadapi.NewX509Source(ctx, workloadapi.WithClientOptions(workloadapi.WithAddr(address)))
	if err != nil {
		return err
	}
	defer source.Close()
	svid, err := source.GetX509SVID()
	if err != nil {
		return err
	}
	port, err := listen(source, client, serve)
	if err != nil {
		return err
	}
	closedPort, err := listen(source, client+"/somebody-else", serve)
	if err != nil {
		return err
	}
	output := json.NewEncoder(os.Stdout)
	if err := output.Encode(announcement{ID: svid.ID.String(), Port: port, ClosedPort: closedPort}); err != nil {
		return err
	}
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		var next Order
		if err := json.Unmarshal(input.Bytes(), &next); err != nil {
			return fmt.Errorf("read order: %w", err)
		}
		outcome, err := obey(ctx, source, next)
		if err != nil {
			return err
		}
		if err := output.Encode(outcome); err != nil {
			return err
		}
	}
	return input.Err()
}

func listen(source *workloadapi.X509Source, client string, serve Serve) (int, error) {
	id, err := spiffeid.FromString(client)
	if err != nil {
		return 0, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	go func() { fail(serve(source, id, listener)) }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
