package main

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/spiffe/go-spiffe/v2/bundle/jwtbundle"
	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/exp/bundle/witbundle"
	"github.com/spiffe/go-spiffe/v2/exp/svid/witsvid"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
)

func judgeJWT(each item) (string, error) {
	bundles := jwtbundle.NewSet()
	for name, document := range each.Bundles {
		trustDomain, err := spiffeid.TrustDomainFromString(name)
		if err != nil {
			return "", fmt.Errorf("trust domain: %w", err)
		}
		bundle, err := readJWTBundle(trustDomain, each.Format, document)
		if err != nil {
			return "", fmt.Errorf("bundle: %w", err)
		}
		bundles.Add(bundle)
	}
	svid, err := jwtsvid.ParseAndValidate(each.Token, bundles, each.Audience)
	if err != nil {
		return "", err
	}
	return svid.ID.String(), nil
}

func readJWTBundle(trustDomain spiffeid.TrustDomain, format string, document []byte) (*jwtbundle.Bundle, error) {
	if format != "spiffe" {
		return jwtbundle.Parse(trustDomain, document)
	}
	bundle, err := spiffebundle.Parse(trustDomain, document)
	if err != nil {
		return nil, err
	}
	return bundle.JWTBundle(), nil
}

func judgeWIT(each item) (string, error) {
	bundles := witbundle.NewSet()
	for name, document := range each.Bundles {
		trustDomain, err := spiffeid.TrustDomainFromString(name)
		if err != nil {
			return "", fmt.Errorf("trust domain: %w", err)
		}
		bundle, err := readWITBundle(trustDomain, each.Format, document)
		if err != nil {
			return "", fmt.Errorf("bundle: %w", err)
		}
		bundles.Add(bundle)
	}
	svid, err := witsvid.ParseAndValidate(each.Token, bundles)
	if err != nil {
		return "", err
	}
	thumbprint, err := (&jose.JSONWebKey{Key: svid.PublicKey}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("thumbprint: %w", err)
	}
	bound := base64.RawURLEncoding.EncodeToString(thumbprint)
	return fmt.Sprintf("%s bound to %s", svid.ID.TrustDomain().IDString(), bound), nil
}

func readWITBundle(trustDomain spiffeid.TrustDomain, format string, document []byte) (*witbundle.Bundle, error) {
	if format != "spiffe" {
		return witbundle.Parse(trustDomain, document)
	}
	bundle, err := spiffebundle.Parse(trustDomain, document)
	if err != nil {
		return nil, err
	}
	return bundle.WITBundle(), nil
}

func judgeJWTBundle(each item) (string, error) {
	bundle, err := jwtbundle.Parse(spiffeid.RequireTrustDomainFromString(each.Text), each.Document)
	if err != nil {
		return "", err
	}
	return names(bundle.JWTAuthorities()), nil
}

func judgeWITBundle(each item) (string, error) {
	bundle, err := witbundle.Parse(spiffeid.RequireTrustDomainFromString(each.Text), each.Document)
	if err != nil {
		return "", err
	}
	return names(bundle.WITAuthorities()), nil
}

func judgeSPIFFEBundle(each item) (string, error) {
	bundle, err := spiffebundle.Parse(spiffeid.RequireTrustDomainFromString(each.Text), each.Document)
	if err != nil {
		return "", err
	}
	understood := fmt.Sprintf("x509: %d; jwt: %s; wit: %s", len(bundle.X509Authorities()),
		names(bundle.JWTAuthorities()), names(bundle.WITAuthorities()))
	if sequence, ok := bundle.SequenceNumber(); ok {
		understood += fmt.Sprintf("; sequence: %d", sequence)
	}
	if hint, ok := bundle.RefreshHint(); ok {
		understood += fmt.Sprintf("; refresh: %d", int64(hint.Seconds()))
	}
	return understood, nil
}

func names(authorities map[string]crypto.PublicKey) string {
	return "[" + strings.Join(slices.Sorted(maps.Keys(authorities)), " ") + "]"
}
