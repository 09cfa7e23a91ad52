// Command grpc-peer is a workload with go-spiffe's gRPC credentials: it serves gRPC's health service over mutual TLS and
// calls that of others.
package main

import (
	"context"
	"crypto/x509"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffegrpc/grpccredentials"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	grpcpeer "google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"svidkit.test/spire/go-spiffe/peer"
)

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

var kept = map[string]*grpc.ClientConn{}

func main() {
	peer.Main(serve, obey)
}

func serve(source *workloadapi.X509Source, client spiffeid.ID, listener net.Listener) error {
	server := grpc.NewServer(
		grpc.Creds(grpccredentials.MTLSServerCredentials(source, source, clients.authorize(client))),
		grpc.UnaryInterceptor(tellCaller),
	)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	return server.Serve(listener)
}

func obey(ctx context.Context, source *workloadapi.X509Source, next order) (outcome, error) {
	if next.Fresh {
		connection, err := dial(source, next)
		if err != nil {
			return outcome{}, err
		}
		defer connection.Close()
		return check(ctx, connection), nil
	}
	key := next.Server + " " + next.Target
	if kept[key] == nil {
		connection, err := dial(source, next)
		if err != nil {
			return outcome{}, err
		}
		kept[key] = connection
	}
	return check(ctx, kept[key]), nil
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
	var from grpcpeer.Peer
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
