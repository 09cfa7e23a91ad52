// Command x509-watch opens go-spiffe's X509Source and prints one line for every X.509-SVID that the source gives and
// did not give before: its serial number, and when it was seen.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

type sighting struct {
	Serial string `json:"serial"`
	// At is in milliseconds since the epoch.
	At float64 `json:"at"`
}

func main() {
	address := flag.String("socket", "", "address of the endpoint, such as unix:///run/agent.sock")
	flag.Parse()
	if err := run(context.Background(), *address); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, address string) error {
	source, err := workloadapi.NewX509Source(ctx, workloadapi.WithClientOptions(workloadapi.WithAddr(address)))
	if err != nil {
		return err
	}
	defer source.Close()
	output := json.NewEncoder(os.Stdout)
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
			if err := output.Encode(sighting{Serial: serial, At: at}); err != nil {
				return err
			}
			previous = serial
		}
		if err := source.WaitUntilUpdated(ctx); err != nil {
			return err
		}
	}
}
