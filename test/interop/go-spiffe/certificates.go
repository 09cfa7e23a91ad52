package main

import (
	"bytes"
	"fmt"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

func judgeX509(each item) (string, error) {
	bundles := x509bundle.NewSet()
	for name, authorities := range each.Authorities {
		trustDomain, err := spiffeid.TrustDomainFromString(name)
		if err != nil {
			return "", fmt.Errorf("trust domain: %w", err)
		}
		bundle, err := x509bundle.ParseRaw(trustDomain, bytes.Join(authorities, nil))
		if err != nil {
			return "", fmt.Errorf("bundle: %w", err)
		}
		bundles.Add(bundle)
	}
	id, _, err := x509svid.ParseAndVerify(each.Chain, bundles, x509svid.WithTime(time.UnixMilli(each.TimeMs)))
	if err != nil {
		return "", err
	}
	return id.String(), nil
}

func judgeX509ParseDER(each item) (string, error) {
	svid, err := x509svid.ParseRaw(each.Certificates, each.Key)
	if err != nil {
		return "", err
	}
	return describe(svid), nil
}

func judgeX509ParsePEM(each item) (string, error) {
	svid, err := x509svid.Parse(each.Certificates, each.Key)
	if err != nil {
		return "", err
	}
	return describe(svid), nil
}

func describe(svid *x509svid.SVID) string {
	return fmt.Sprintf("%s with %d certificates", svid.ID, len(svid.Certificates))
}

func judgeX509BundleDER(each item) (string, error) {
	return count(x509bundle.ParseRaw(spiffeid.RequireTrustDomainFromString(each.Text), each.Document))
}

func judgeX509BundlePEM(each item) (string, error) {
	return count(x509bundle.Parse(spiffeid.RequireTrustDomainFromString(each.Text), each.Document))
}

func count(bundle *x509bundle.Bundle, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d authorities", len(bundle.X509Authorities())), nil
}
