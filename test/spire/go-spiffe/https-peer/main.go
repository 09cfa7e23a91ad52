// Command https-peer is a workload with go-spiffe's TLS configuration for net/http: it serves HTTPS and requests from
// others, over kept connections and new ones, with Go's cache of TLS sessions. Its first line of output says who it is
// and where it serves; then each line of standard input is an order, and each is answered by one line.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

type announcement struct {
	ID   string `json:"id"`
	Port int    `json:"port"`
	// ClosedPort lets in somebody else only.
	ClosedPort int `json:"closedPort"`
}

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

func main() {
	address := flag.String("socket", "", "address of the Workload API, such as unix:///run/agent.sock")
	uid := flag.Int("uid", os.Getuid(), "user to become")
	client := flag.String("client", "", "the only identity that is served")
	flag.Parse()
	if err := run(context.Background(), *address, *uid, *client); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, address string, uid int, client string) error {
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
	port, err := serve(source, client)
	if err != nil {
		return err
	}
	closedPort, err := serve(source, client+"/somebody-else")
	if err != nil {
		return err
	}
	output := json.NewEncoder(os.Stdout)
	if err := output.Encode(announcement{ID: svid.ID.String(), Port: port, ClosedPort: closedPort}); err != nil {
		return err
	}
	clients := make(map[string]*http.Client)
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		var next order
		if err := json.Unmarshal(input.Bytes(), &next); err != nil {
			return fmt.Errorf("read order: %w", err)
		}
		key := fmt.Sprint(next.Server, next.Fresh)
		if clients[key] == nil {
			if clients[key], err = clientOf(source, next); err != nil {
				return err
			}
		}
		if err := output.Encode(ask(clients[key], next.URL)); err != nil {
			return err
		}
	}
	return input.Err()
}

func serve(source *workloadapi.X509Source, client string) (int, error) {
	id, err := spiffeid.FromString(client)
	if err != nil {
		return 0, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	server := &http.Server{
		Handler:   http.HandlerFunc(tellCaller),
		TLSConfig: tlsconfig.MTLSServerConfig(source, source, tlsconfig.AuthorizeID(id)),
	}
	go func() {
		if err := server.ServeTLS(listener, "", ""); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port, nil
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
