// An application with go-oidc and x/oauth2, as in go-oidc's example, and what x/oauth2 makes of errors. Each path is a page that
// tests/clients/programs/go.py asks for. The settings are one JSON object in the first argument: issuer, url, client_id,
// client_secret, pkce (otherwise a nonce alone).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"net/url"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

type settings struct {
	Issuer       string `json:"issuer"`
	URL          string `json:"url"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	PKCE         bool   `json:"pkce"`
}

type app struct {
	settings settings
	provider *oidc.Provider
	config   oauth2.Config
	verifier string
	tokens   *oauth2.Token
}

func main() {
	var given settings
	check(json.Unmarshal([]byte(os.Args[1]), &given))
	provider, err := oidc.NewProvider(context.Background(), given.Issuer)
	check(err)
	config := oauth2.Config{
		ClientID:     given.ClientID,
		ClientSecret: given.ClientSecret,
		Endpoint:     provider.Endpoint(),
		RedirectURL:  given.URL + "/callback",
		Scopes:       []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
	}
	a := &app{settings: given, provider: provider, config: config, verifier: oauth2.GenerateVerifier()}
	http.HandleFunc("/login", a.login)
	http.HandleFunc("/callback", answer(a.callback))
	http.HandleFunc("/refresh", answer(a.refresh))
	http.HandleFunc("/wrong-secret", answer(a.wrongSecret))
	http.HandleFunc("/client-credentials", answer(a.clientCredentials))
	at, err := url.Parse(given.URL)
	check(err)
	check(http.ListenAndServe(at.Host, nil))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// answer makes a handler of a function: its value, or its error, as JSON.
func answer(work func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value, err := work(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		check(json.NewEncoder(w).Encode(value))
	}
}

func (a *app) login(w http.ResponseWriter, r *http.Request) {
	options := []oauth2.AuthCodeOption{oidc.Nonce("a nonce")}
	if a.settings.PKCE {
		options = append(options, oauth2.S256ChallengeOption(a.verifier))
	}
	http.Redirect(w, r, a.config.AuthCodeURL("a state", options...), http.StatusFound)
}

// user is what the ID token says of the user.
func (a *app) user(ctx context.Context) (map[string]any, error) {
	raw, ok := a.tokens.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("no ID token")
	}
	token, err := a.provider.Verifier(&oidc.Config{ClientID: a.settings.ClientID}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	claims := map[string]any{}
	return claims, token.Claims(&claims)
}

func (a *app) callback(r *http.Request) (any, error) {
	var options []oauth2.AuthCodeOption
	if a.settings.PKCE {
		options = append(options, oauth2.VerifierOption(a.verifier))
	}
	tokens, err := a.config.Exchange(r.Context(), r.URL.Query().Get("code"), options...)
	if err != nil {
		return nil, err
	}
	a.tokens = tokens
	claims, err := a.user(r.Context())
	if err == nil && claims["nonce"] != "a nonce" {
		err = errors.New("another nonce")
	}
	return claims, err
}

func (a *app) refresh(r *http.Request) (any, error) {
	before := a.tokens
	expired := &oauth2.Token{RefreshToken: before.RefreshToken}
	tokens, err := a.config.TokenSource(r.Context(), expired).Token()
	if err != nil {
		return nil, err
	}
	a.tokens = tokens
	claims, err := a.user(r.Context())
	if err != nil {
		return nil, err
	}
	info, err := a.provider.UserInfo(r.Context(), oauth2.StaticTokenSource(tokens))
	if err != nil {
		return nil, err
	}
	return map[string]any{"renewed": tokens.AccessToken != before.AccessToken, "claims": claims, "email": info.Email}, nil
}

// wrongSecret tells what an operator reads who mistyped a secret.
func (a *app) wrongSecret(r *http.Request) (any, error) {
	config := a.config
	config.ClientSecret = "mistyped"
	// x/oauth2 remembers by URL which way worked: another spelling is another server to it.
	config.Endpoint.TokenURL += "?"
	_, err := config.Exchange(r.Context(), "a code")
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return nil, errors.New("expected a refusal")
	}
	return map[string]string{"error": refused.ErrorCode, "description": refused.ErrorDescription}, nil
}

// clientCredentials gets a token for the API that is registered for it.
func (a *app) clientCredentials(r *http.Request) (any, error) {
	query := r.URL.Query()
	config := clientcredentials.Config{
		ClientID:     query.Get("client_id"),
		ClientSecret: query.Get("client_secret"),
		TokenURL:     a.provider.Endpoint().TokenURL,
	}
	token, err := config.Token(r.Context())
	if err != nil {
		return nil, err
	}
	return map[string]string{"type": token.Type()}, nil
}
