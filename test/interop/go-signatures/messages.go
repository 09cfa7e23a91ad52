package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/yaronf/httpsign"
)

// message is a request, or a response with the request that it answers.
type message struct {
	Method  string      `json:"method"`
	URL     string      `json:"url"`
	Headers [][2]string `json:"headers"`
	Status  int         `json:"status"`
	Request *message    `json:"request"`
}

type component struct {
	Name       string         `json:"name"`
	Parameters map[string]any `json:"parameters"`
}

type parameters map[string]any

func signMessage(each task) (any, error) {
	fields, err := fieldsOf(each.Components)
	if err != nil {
		return nil, err
	}
	config, err := each.Parameters.signConfig()
	if err != nil {
		return nil, err
	}
	signer, err := signerOf(each.Alg, each.Key, config, fields)
	if err != nil {
		return nil, err
	}
	var input, signature string
	if each.Message.Status == 0 {
		request, err := each.Message.request()
		if err != nil {
			return nil, err
		}
		input, signature, err = httpsign.SignRequest(each.Label, *signer, request)
		if err != nil {
			return nil, err
		}
	} else {
		response, request, err := each.Message.response()
		if err != nil {
			return nil, err
		}
		input, signature, err = httpsign.SignResponse(each.Label, *signer, response, request)
		if err != nil {
			return nil, err
		}
	}
	return [][2]string{{"Signature-Input", input}, {"Signature", signature}}, nil
}

func verifyMessage(each task) (any, error) {
	fields, err := fieldsOf(each.Components)
	if err != nil {
		return nil, err
	}
	config := httpsign.NewVerifyConfig().SetNotOlderThan(5 * time.Minute)
	if _, ok := each.Parameters["created"]; !ok {
		config = config.SetVerifyCreated(false)
	}
	if tag, ok := each.Parameters["tag"].(string); ok {
		config = config.SetAllowedTags([]string{tag})
	}
	verifier, err := verifierOf(each.Alg, each.Key, config, fields)
	if err != nil {
		return nil, err
	}
	if each.Message.Status == 0 {
		request, err := each.Message.request()
		if err != nil {
			return nil, err
		}
		return nil, httpsign.VerifyRequest(each.Label, *verifier, request)
	}
	response, request, err := each.Message.response()
	if err != nil {
		return nil, err
	}
	return nil, httpsign.VerifyResponse(each.Label, *verifier, response, request)
}

func (m message) request() (*http.Request, error) {
	request, err := http.NewRequest(m.Method, m.URL, nil)
	if err != nil {
		return nil, err
	}
	for _, field := range m.Headers {
		if http.CanonicalHeaderKey(field[0]) == "Host" {
			request.Host = field[1] // as a server of net/http has it
			continue
		}
		request.Header.Add(field[0], field[1])
	}
	return request, nil
}

func (m message) response() (*http.Response, *http.Request, error) {
	response := &http.Response{StatusCode: m.Status, Header: http.Header{}, Body: http.NoBody}
	for _, field := range m.Headers {
		response.Header.Add(field[0], field[1])
	}
	if m.Request == nil {
		return response, nil, nil
	}
	request, err := m.Request.request()
	return response, request, err
}

// fieldsOf puts components into the terms of httpsign, which knows one parameter of a component besides req.
func fieldsOf(components []component) (httpsign.Fields, error) {
	fields := httpsign.NewFields()
	for _, each := range components {
		_, ofRequest := each.Parameters["req"]
		_, bytes := each.Parameters["bs"]
		_, structured := each.Parameters["sf"]
		name, isQuery := each.Parameters["name"].(string)
		key, isMember := each.Parameters["key"].(string)
		switch {
		case isQuery:
			// The name is encoded in the component, and httpsign encodes it again.
			decoded, err := url.QueryUnescape(name)
			if err != nil {
				return httpsign.Fields{}, err
			}
			fields.AddQueryParamExt(decoded, false, ofRequest, false)
		case isMember:
			fields.AddDictHeaderExt(each.Name, key, false, ofRequest, false)
		case structured:
			fields.AddStructuredFieldExt(each.Name, false, ofRequest, false)
		default:
			fields.AddHeaderExt(each.Name, false, bytes, ofRequest, false)
		}
	}
	return *fields, nil
}

// signConfig takes what httpsign can sign; it always takes its own clock for created.
func (p parameters) signConfig() (*httpsign.SignConfig, error) {
	config := httpsign.NewSignConfig().SignAlg(false).SignCreated(false)
	for name, value := range p {
		switch name {
		case "created":
			config = config.SignCreated(true)
		case "alg":
			config = config.SignAlg(true)
		case "expires":
			config = config.SetExpires(int64(value.(float64)))
		case "nonce":
			config = config.SetNonce(value.(string))
		case "tag":
			config = config.SetTag(value.(string))
		case "keyid":
			config = config.SetKeyID(value.(string))
		default:
			return nil, fmt.Errorf("%w: no parameter %s", errUnsupported, name)
		}
	}
	return config, nil
}

func keyOf(raw json.RawMessage) (any, error) {
	var key jose.JSONWebKey
	err := key.UnmarshalJSON(raw)
	return key.Key, err
}

func signerOf(alg string, raw json.RawMessage, config *httpsign.SignConfig, fields httpsign.Fields) (*httpsign.Signer, error) {
	key, err := keyOf(raw)
	if err != nil {
		return nil, err
	}
	switch alg {
	case "ed25519":
		return httpsign.NewEd25519Signer(key.(ed25519.PrivateKey), config, fields)
	case "ecdsa-p256-sha256":
		return httpsign.NewP256Signer(*key.(*ecdsa.PrivateKey), config, fields)
	case "ecdsa-p384-sha384":
		return httpsign.NewP384Signer(*key.(*ecdsa.PrivateKey), config, fields)
	case "rsa-pss-sha512":
		return httpsign.NewRSAPSSSigner(*key.(*rsa.PrivateKey), config, fields)
	case "rsa-v1_5-sha256":
		return httpsign.NewRSASigner(*key.(*rsa.PrivateKey), config, fields)
	}
	return nil, fmt.Errorf("%w: no algorithm %s", errUnsupported, alg)
}

func verifierOf(alg string, raw json.RawMessage, config *httpsign.VerifyConfig, fields httpsign.Fields) (*httpsign.Verifier, error) {
	key, err := keyOf(raw)
	if err != nil {
		return nil, err
	}
	switch alg {
	case "ed25519":
		return httpsign.NewEd25519Verifier(key.(ed25519.PublicKey), config, fields)
	case "ecdsa-p256-sha256":
		return httpsign.NewP256Verifier(*key.(*ecdsa.PublicKey), config, fields)
	case "ecdsa-p384-sha384":
		return httpsign.NewP384Verifier(*key.(*ecdsa.PublicKey), config, fields)
	case "rsa-pss-sha512":
		return httpsign.NewRSAPSSVerifier(*key.(*rsa.PublicKey), config, fields)
	case "rsa-v1_5-sha256":
		return httpsign.NewRSAVerifier(*key.(*rsa.PublicKey), config, fields)
	}
	return nil, fmt.Errorf("%w: no algorithm %s", errUnsupported, alg)
}
