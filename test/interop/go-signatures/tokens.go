package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512,
	jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512,
	jose.EdDSA,
}

func algorithm(name string) (jose.SignatureAlgorithm, error) {
	alg := jose.SignatureAlgorithm(name)
	if !slices.Contains(algorithms, alg) {
		return "", fmt.Errorf("%w: no algorithm %s", errUnsupported, name)
	}
	return alg, nil
}

// signToken makes a JWT with a private JWK.
func signToken(each task) (any, error) {
	alg, err := algorithm(each.Alg)
	if err != nil {
		return nil, err
	}
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(each.Key); err != nil {
		return nil, err
	}
	options := &jose.SignerOptions{}
	for name, value := range each.Header {
		options = options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key.Key}, options)
	if err != nil {
		return nil, err
	}
	return jwt.Signed(signer).Claims(each.Claims).Serialize()
}

// verifyToken verifies a JWT with a JWK Set, as RFC 7515 and RFC 7519 have it, and gives its claims.
func verifyToken(each task) (any, error) {
	alg, err := algorithm(each.Alg)
	if err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(each.Key, &set); err != nil {
		return nil, err
	}
	token, err := jwt.ParseSigned(each.Token, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return nil, err
	}
	keys := set.Keys
	if kid := token.Headers[0].KeyID; kid != "" {
		keys = set.Key(kid)
	}
	if len(keys) != 1 {
		return nil, errors.New("there is no one key")
	}
	var registered jwt.Claims
	claims := map[string]any{}
	if err := token.Claims(keys[0].Key, &registered, &claims); err != nil {
		return nil, err
	}
	expected := jwt.Expected{Time: time.Now()}
	if each.Aud != "" {
		expected.AnyAudience = jwt.Audience{each.Aud}
	}
	return claims, registered.ValidateWithLeeway(expected, 30*time.Second)
}
