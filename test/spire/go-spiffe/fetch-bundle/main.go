// Command fetch-bundle fetches a SPIFFE bundle with go-spiffe's client of bundle endpoints and prints the sizes of what
// it got. With a bootstrap file the endpoint is held to a SPIFFE ID, otherwise to the roots of a file.
package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/federation"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

type summary struct {
	Sequence uint64  `json:"sequence"`
	Hint     float64 `json:"hint"`
	X509     int     `json:"x509"`
	JWT      int     `json:"jwt"`
}

func main() {
	name := flag.String("trust-domain", "", "whose bundle it is")
	url := flag.String("url", "", "the endpoint")
	endpointID := flag.String("endpoint-id", "", "the SPIFFE ID of the endpoint")
	bootstrap := flag.String("bootstrap", "", "a file with the SPIFFE bundle of that identifier's trust domain")
	roots := flag.String("roots", "", "a file with the roots of the web PKI")
	flag.Parse()
	if err := run(*name, *url, *endpointID, *bootstrap, *roots); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(name, url, endpointID, bootstrap, roots string) error {
	trustDomain, err := spiffeid.TrustDomainFromString(name)
	if err != nil {
		return err
	}
	option, err := authentication(endpointID, bootstrap, roots)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	bundle, err := federation.FetchBundle(ctx, trustDomain, url, option)
	if err != nil {
		return err
	}
	sequence, _ := bundle.SequenceNumber()
	hint, _ := bundle.RefreshHint()
	return json.NewEncoder(os.Stdout).Encode(summary{
		Sequence: sequence,
		Hint:     hint.Seconds(),
		X509:     len(bundle.X509Authorities()),
		JWT:      len(bundle.JWTAuthorities()),
	})
}

func authentication(endpointID, bootstrap, roots string) (federation.FetchOption, error) {
	if bootstrap == "" {
		pem, err := os.ReadFile(roots)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, errors.New("no roots")
		}
		return federation.WithWebPKIRoots(pool), nil
	}
	id, err := spiffeid.FromString(endpointID)
	if err != nil {
		return nil, err
	}
	source, err := spiffebundle.Load(id.TrustDomain(), bootstrap)
	if err != nil {
		return nil, err
	}
	return federation.WithSPIFFEAuth(source, id), nil
}
