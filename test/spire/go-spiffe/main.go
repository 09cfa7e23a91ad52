// Command probe asks a Workload API endpoint for everything that go-spiffe can verify and prints one JSON verdict a
// round. Every credential is checked by go-spiffe against the bundle of the same endpoint, so the verdict is a second
// implementation's opinion.
package main

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/spiffe/go-spiffe/v2/exp/svid/witsvid"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc/status"
)

// check is the outcome for one kind of credential. Version tells a renewed credential from the one before it.
type check struct {
	OK          bool   `json:"ok"`
	Error       string `json:"error,omitempty"`
	Status      string `json:"status,omitempty"`
	ID          string `json:"id,omitempty"`
	Hint        string `json:"hint,omitempty"`
	Version     string `json:"version,omitempty"`
	Authorities int    `json:"authorities,omitempty"`
	Count       int    `json:"count,omitempty"`
}

type verdict struct {
	Round int   `json:"round"`
	X509  check `json:"x509"`
	JWT   check `json:"jwt"`
	WIT   check `json:"wit"`
}

func main() {
	address := flag.String("socket", "", "address of the endpoint, such as unix:///run/agent.sock")
	audience := flag.String("audience", "https://tools.example.org", "audience of the JWT-SVID")
	rounds := flag.Int("rounds", 1, "verdicts to print; each but the first waits for a renewed X.509-SVID")
	wit := flag.Bool("wit", true, "whether a renewed WIT-SVID is waited for as well")
	timeout := flag.Duration("timeout", 30*time.Second, "limit for the whole run")
	flag.Parse()

	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	if err := run(ctx, *address, *audience, *rounds, *wit); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, address, audience string, rounds int, wit bool) error {
	client, err := workloadapi.New(ctx, workloadapi.WithAddr(address))
	if err != nil {
		return fmt.Errorf("open client: %w", err)
	}
	defer client.Close()

	// The sources are opened before the first verdict, so that no renewal after it can be missed.
	x509Source, err := workloadapi.NewX509Source(ctx, workloadapi.WithClient(client))
	if err != nil {
		return fmt.Errorf("open X.509 source: %w", err)
	}
	defer x509Source.Close()
	var witSource *workloadapi.WITSource
	if wit {
		witSource, err = workloadapi.NewWITSource(ctx, workloadapi.WithClient(client))
		if err != nil {
			return fmt.Errorf("open WIT source: %w", err)
		}
		defer witSource.Close()
	}

	output := json.NewEncoder(os.Stdout)
	var previous verdict
	for round := 1; round <= rounds; round++ {
		if round > 1 {
			serial := func() (string, error) { return serialOf(x509Source) }
			if err := awaitRenewal(ctx, x509Source, previous.X509.Version, serial); err != nil {
				return fmt.Errorf("wait for a renewed X.509-SVID: %w", err)
			}
		}
		if round > 1 && witSource != nil {
			id, err := spiffeid.FromString(previous.WIT.ID)
			if err != nil {
				return fmt.Errorf("wait for a renewed WIT-SVID: %w", err)
			}
			version := func() (string, error) { return digestOf(witSource, id) }
			if err := awaitRenewal(ctx, witSource, previous.WIT.Version, version); err != nil {
				return fmt.Errorf("wait for a renewed WIT-SVID: %w", err)
			}
		}
		previous = verdict{
			Round: round,
			X509:  judge(checkX509(ctx, client)),
			JWT:   judge(checkJWT(ctx, client, audience)),
			WIT:   judge(checkWIT(ctx, client)),
		}
		if err := output.Encode(previous); err != nil {
			return err
		}
	}
	return nil
}

// awaitRenewal waits until version gives another answer than now. An update alone does not do: a bundle may have
// changed, or nothing at all.
func awaitRenewal(ctx context.Context, source interface{ WaitUntilUpdated(context.Context) error }, before string, version func() (string, error)) error {
	for {
		if now, err := version(); err == nil && now != before {
			return nil
		}
		if err := source.WaitUntilUpdated(ctx); err != nil {
			return err
		}
	}
}

func serialOf(source *workloadapi.X509Source) (string, error) {
	svid, err := source.GetX509SVID()
	if err != nil {
		return "", err
	}
	return svid.Certificates[0].SerialNumber.Text(16), nil
}

func digestOf(source *workloadapi.WITSource, id spiffeid.ID) (string, error) {
	svid, err := source.GetWITSVIDForID(id)
	if err != nil {
		return "", err
	}
	return digest(svid), nil
}

func digest(svid *witsvid.SVID) string {
	sum := sha256.Sum256([]byte(svid.Marshal()))
	return hex.EncodeToString(sum[:8])
}

func judge(result check, err error) check {
	result.OK = err == nil
	if err != nil {
		result.Error = err.Error()
		if code, ok := status.FromError(err); ok {
			result.Status = code.Code().String()
		}
	}
	return result
}

func checkX509(ctx context.Context, client *workloadapi.Client) (check, error) {
	snapshot, err := client.FetchX509Context(ctx)
	if err != nil {
		return check{}, err
	}
	svid := snapshot.DefaultSVID()
	result := check{
		ID:      svid.ID.String(),
		Hint:    svid.Hint,
		Version: svid.Certificates[0].SerialNumber.Text(16),
		Count:   len(snapshot.SVIDs),
	}
	if bundle, err := snapshot.Bundles.GetX509BundleForTrustDomain(svid.ID.TrustDomain()); err == nil {
		result.Authorities = len(bundle.X509Authorities())
	}
	for _, each := range snapshot.SVIDs {
		id, _, err := x509svid.Verify(each.Certificates, snapshot.Bundles)
		if err != nil {
			return result, err
		}
		if id != each.ID {
			return result, fmt.Errorf("the certificate is of %q and the message says %q", id, each.ID)
		}
	}
	return result, nil
}

func checkJWT(ctx context.Context, client *workloadapi.Client, audience string) (check, error) {
	svid, err := client.FetchJWTSVID(ctx, jwtsvid.Params{Audience: audience})
	if err != nil {
		return check{}, err
	}
	result := check{ID: svid.ID.String(), Hint: svid.Hint}
	bundles, err := client.FetchJWTBundles(ctx)
	if err != nil {
		return result, err
	}
	if bundle, err := bundles.GetJWTBundleForTrustDomain(svid.ID.TrustDomain()); err == nil {
		result.Authorities = len(bundle.JWTAuthorities())
	}
	local, err := jwtsvid.ParseAndValidate(svid.Marshal(), bundles, []string{audience})
	if err != nil {
		return result, err
	}
	remote, err := client.ValidateJWTSVID(ctx, svid.Marshal(), audience)
	if err != nil {
		return result, err
	}
	if local.ID != svid.ID || remote.ID != svid.ID {
		return result, errors.New("the validations disagree about the identity")
	}
	if _, err := client.ValidateJWTSVID(ctx, svid.Marshal(), audience+"/other"); err == nil {
		return result, errors.New("the endpoint validated the token for an audience it was not made for")
	}
	return result, nil
}

func checkWIT(ctx context.Context, client *workloadapi.Client) (check, error) {
	svid, err := client.FetchWITSVID(ctx, "")
	if err != nil {
		return check{}, err
	}
	result := check{ID: svid.ID.String(), Hint: svid.Hint}
	bundles, err := client.FetchWITBundles(ctx)
	if err != nil {
		return result, err
	}
	if bundle, err := bundles.GetWITBundleForTrustDomain(svid.ID.TrustDomain()); err == nil {
		result.Authorities = len(bundle.WITAuthorities())
	}
	verified, err := witsvid.ParseAndValidate(svid.Marshal(), bundles)
	if err != nil {
		return result, err
	}
	if verified.ID != svid.ID {
		return result, errors.New("the token is of another identity than the message says")
	}
	signer, ok := svid.PrivateKey.(crypto.Signer)
	if !ok {
		return result, fmt.Errorf("the private key is a %T, not a signing key", svid.PrivateKey)
	}
	bound, ok := verified.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !bound.Equal(signer.Public()) {
		return result, errors.New("the private key is not the one the token is bound to")
	}
	result.Version = digest(svid)
	if named, err := client.FetchWITSVID(ctx, svid.ID.String()); err != nil {
		return result, fmt.Errorf("fetch by identifier: %w", err)
	} else if named.ID != svid.ID {
		return result, errors.New("fetch by identifier gave another identity")
	}
	if _, err := client.FetchWITSVID(ctx, spiffeid.RequireFromPath(svid.ID.TrustDomain(), "/nobody").String()); err == nil {
		return result, errors.New("the endpoint served an identity that this workload does not have")
	}
	return result, nil
}
