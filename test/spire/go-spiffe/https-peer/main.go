// Command https-peer is a workload with go-spiffe's TLS configuration for net/http: it serves HTTPS and requests from
// others, over kept connections and new ones, with Go's cache of TLS sessions.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"

	"svidkit.test/spire/go-spiffe/peer"
)

type order struct {
	URL string `json:"url"`
	// Server is the only identity that is called.
	Server string `json:"server"`
	// Fresh asks for a connection of its own.
	Fresh bool `json:"fresh"`
}

type outcome struct {
	Error  string `json:"error,omitempty"`
	Status int    `json:"status,omitempty"`
	Body   string `json:"body,omitempty"`
	// Serial is that of the certificate that the server showed, in hexadecimal.
	Serial   string `json:"serial,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	Resumed  bool   `json:"resumed"`
}

// seen is what a server tells its caller.
type seen struct {
	ID           string `json:"id"`
	SerialNumber string `json:"serialNumber"`
	Protocol     string `json:"protocol"`
	Resumed      bool   `json:"resumed"`
}

var clients = map[string]*http.Client{}

func main() {
	peer.Main(serve, obey)
}

func serve(source *workloadapi.X509Source, client spiffeid.ID, listener net.Listener) error {
	server := &http.Server{
		Handler:   http.HandlerFunc(tellCaller),
		TLSConfig: tlsconfig.MTLSServerConfig(source, source, tlsconfig.AuthorizeID(client)),
	}
	return server.ServeTLS(listener, "", "")
}

func obey(_ context.Context, source *workloadapi.X509Source, next order) (outcome, error) {
	key := fmt.Sprint(next.Server, next.Fresh)
	if clients[key] == nil {
		client, err := clientOf(source, next)
		if err != nil {
			return outcome{}, err
		}
		clients[key] = client
	}
	return ask(clients[key], next.URL), nil
}

func tellCaller(response http.ResponseWriter, request *http.Request) {
	response.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(response).Encode(about(request.TLS))
}

func about(state *tls.ConnectionState) seen {
	var leaf *x509.Certificate = state.PeerCertificates[0]
	id, _ := x509svid.IDFromCert(leaf)
	return seen{
		ID:           id.String(),
		SerialNumber: leaf.SerialNumber.Text(16),
		Protocol:     tls.VersionName(state.Version),
		Resumed:      state.DidResume,
	}
}

func clientOf(source *workloadapi.X509Source, to order) (*http.Client, error) {
	id, err := spiffeid.FromString(to.Server)
	if err != nil {
		return nil, err
	}
	config := tlsconfig.MTLSClientConfig(source, source, tlsconfig.AuthorizeID(id))
	config.ClientSessionCache = tls.NewLRUClientSessionCache(16)
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: to.Fresh}
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}, nil
}

func ask(client *http.Client, url string) outcome {
	response, err := client.Get(url)
	if err != nil {
		return outcome{Error: err.Error()}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return outcome{Error: err.Error()}
	}
	server := about(response.TLS)
	return outcome{
		Status:   response.StatusCode,
		Body:     string(body),
		Serial:   server.SerialNumber,
		Protocol: server.Protocol,
		Resumed:  server.Resumed,
	}
}
