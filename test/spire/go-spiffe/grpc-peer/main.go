// Command grpc-peer is a workload with go-spiffe's gRPC credentials: it serves gRPC's health service over mutual TLS and
// calls that of others. Its first line of output says who it is and where it serves; then each line of standard input is
// an order, and each is answered by one line.
package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffegrpc/grpccredentials"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

type announcement struct {
	ID   string `json:"id"`
	Port int    `json:"port"`
	// ClosedPort lets in somebody else only.
	ClosedPort int `json:"closedPort"`
}

type order struct {
	Target string `json:"target"`
	// Server is the only identity that is called.
	Server string `json:"server"`
	// Fresh asks for a connection of its own.
	Fresh bool `json:"fresh"`
}

type outcome struct {
	// Status is the name of the gRPC status.
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
	// Server is what the server proved, Client what it says about us.
	Server string `json:"server,omitempty"`
	Client string `json:"client,omitempty"`
	// Certificates is how many different ones servers have shown so far.
	Certificates int `json:"certificates"`
}

// watcher authorizes one identity and counts the certificates that it shows.
type watcher struct {
	mu   sync.Mutex
	seen map[string]struct{}
}

func (w *watcher) authorize(id spiffeid.ID) tlsconfig.Authorizer {
	one := tlsconfig.AuthorizeID(id)
	return func(actual spiffeid.ID, chains [][]*x509.Certificate) error {
		if err := one(actual, chains); err != nil {
			return err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.seen[chains[0][0].SerialNumber.Text(16)] = struct{}{}
		return nil
	}
}

func (w *watcher) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen)
}

var servers, clients = &watcher{seen: map[string]struct{}{}}, &watcher{seen: map[string]struct{}{}}

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
	kept := make(map[string]*grpc.ClientConn)
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		var next order
		if err := json.Unmarshal(input.Bytes(), &next); err != nil {
			return fmt.Errorf("read order: %w", err)
		}
		key := next.Server + " " + next.Target
		connection := kept[key]
		if connection == nil || next.Fresh {
			if connection, err = dial(source, next); err != nil {
				return err
			}
		}
		if next.Fresh {
			defer connection.Close()
		} else {
			kept[key] = connection
		}
		if err := output.Encode(check(ctx, connection)); err != nil {
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
	server := grpc.NewServer(
		grpc.Creds(grpccredentials.MTLSServerCredentials(source, source, clients.authorize(id))),
		grpc.UnaryInterceptor(tellCaller),
	)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	go func() {
		if err := server.Serve(listener); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// tellCaller sends the caller what was verified about it.
func tellCaller(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	id, _ := grpccredentials.PeerIDFromContext(ctx)
	told := metadata.Pairs("client-id", id.String(), "client-certificates", strconv.Itoa(clients.count()))
	if err := grpc.SetHeader(ctx, told); err != nil {
		return nil, err
	}
	return handler(ctx, request)
}

func dial(source *workloadapi.X509Source, to order) (*grpc.ClientConn, error) {
	id, err := spiffeid.FromString(to.Server)
	if err != nil {
		return nil, err
	}
	creds := grpccredentials.MTLSClientCredentials(source, source, servers.authorize(id))
	return grpc.NewClient("passthrough:///"+to.Target, grpc.WithTransportCredentials(creds))
}

func check(ctx context.Context, connection *grpc.ClientConn) outcome {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var header metadata.MD
	var from peer.Peer
	client := grpc_health_v1.NewHealthClient(connection)
	_, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.Header(&header), grpc.Peer(&from))
	result := outcome{Status: status.Code(err).String(), Certificates: servers.count()}
	if err != nil {
		result.Message = status.Convert(err).Message()
		return result
	}
	id, _ := grpccredentials.PeerIDFromPeer(&from)
	result.Server, result.Client = id.String(), first(header, "client-id")
	return result
}

func first(header metadata.MD, name string) string {
	if values := header.Get(name); len(values) > 0 {
		return values[0]
	}
	return ""
}
