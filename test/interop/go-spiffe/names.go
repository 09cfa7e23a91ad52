package main

import (
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

func judgeID(each item) (string, error) {
	id, err := spiffeid.FromString(each.Text)
	if err != nil {
		return "", err
	}
	return id.String(), nil
}

func judgeTrustDomain(each item) (string, error) {
	trustDomain, err := spiffeid.TrustDomainFromString(each.Text)
	if err != nil {
		return "", err
	}
	return trustDomain.IDString(), nil
}

func judgeAddress(each item) (string, error) {
	if err := workloadapi.ValidateAddress(each.Text); err != nil {
		return "", err
	}
	return "address", nil
}
