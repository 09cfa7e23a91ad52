// Command connect-loop keeps opening mutual TLS connections with go-spiffe, each for one line from the server. It prints
// a line for every X.509-SVID that its source gives and did not give before, and one for every connection that failed.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

const patience = 5 * time.Second

type sighting struct {
	Serial string `json:"serial"`
	// At is in milliseconds since the epoch.
	At float64 `json:"at"`
}

type failure struct {
	Failed string `json:"failed"`
}

func main() {
	if len(os.Args) != 5 {
		fail(fmt.Errorf("usage: %s SOCKET PORT SERVER-ID EVERY-MS", os.Args[0]))
	}
	server, err := spiffeid.FromString(os.Args[3])
	if err != nil {
		fail(err)
	}
	everyMs, err := strconv.Atoi(os.Args[4])
	if err != nil {
		fail(err)
	}
	address := net.JoinHostPort("127.0.0.1", os.Args[2])
	if err := run(context.Background(), os.Args[1], address, server, time.Duration(everyMs)*time.Millisecond); err != nil {
		fail(err)
	}
}

func run(ctx context.Context, socket, address string, server spiffeid.ID, every time.Duration) error {
	source, err := workloadapi.NewX509Source(ctx, workloadapi.WithClientOptions(workloadapi.WithAddr(socket)))
	if err != nil {
		return err
	}
	defer source.Close()
	output := &lines{encoder: json.NewEncoder(os.Stdout)}
	go func() { fail(watch(ctx, source, output)) }()
	dialer := &tls.Dialer{Config: tlsconfig.MTLSClientConfig(source, source, tlsconfig.AuthorizeID(server))}
	for {
		begun := time.Now()
		if err := connect(ctx, dialer, address); err != nil {
			if err := output.print(failure{Failed: err.Error()}); err != nil {
				return err
			}
		}
		time.Sleep(every - time.Since(begun))
	}
}

func watch(ctx context.Context, source *workloadapi.X509Source, output *lines) error {
	for previous := ""; ; {
		svid, err := source.GetX509SVID()
		if err != nil {
			return err
		}
		if serial := svid.Certificates[0].SerialNumber.Text(16); serial != previous {
			if _, _, err := x509svid.Verify(svid.Certificates, source); err != nil {
				return err
			}
			at := float64(time.Now().UnixMicro()) / 1000
			if err := output.print(sighting{Serial: serial, At: at}); err != nil {
				return err
			}
			previous = serial
		}
		if err := source.WaitUntilUpdated(ctx); err != nil {
			return err
		}
	}
}

func connect(ctx context.Context, dialer *tls.Dialer, address string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	answer, err := io.ReadAll(connection)
	if err == nil && len(answer) == 0 {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// lines is standard output, shared by goroutines.
type lines struct {
	mutex   sync.Mutex
	encoder *json.Encoder
}

func (l *lines) print(line any) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.encoder.Encode(line)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
