package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// linkDemoPerson links the demo person to the simulated OneTwentyOne by the same steps that an app and a browser take:
// authorizationUrl, the consent page, completeAuthorization.
func linkDemoPerson(ctx context.Context, d demo) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var begun struct {
		AuthorizationURL struct{ URL string } `json:"authorizationUrl"`
	}
	if err := ask(ctx, d, `{ authorizationUrl(dataSource: "onetwentyone") { url } }`, nil, &begun); err != nil {
		return err
	}
	returned, err := consent(ctx, begun.AuthorizationURL.URL)
	if err != nil {
		return err
	}
	var done struct {
		CompleteAuthorization struct{ Link struct{ Status string } }
	}
	err = ask(ctx, d, `mutation($url: URL!) { completeAuthorization(input: {url: $url}) { link { status } } }`, map[string]any{"url": returned}, &done)
	if err == nil && done.CompleteAuthorization.Link.Status != "CONNECTED" {
		err = errors.New("the link is " + done.CompleteAuthorization.Link.Status)
	}
	return err
}

// consent does what a person does on the simulated consent page: sign in as demo, leave every scope ticked, allow.
func consent(ctx context.Context, page string) (returned string, err error) {
	u, err := url.Parse(page)
	if err != nil {
		return "", err
	}
	form := u.Query()
	form["scope"] = []string{"profile", "quantity", "sleep"}
	form.Set("user", demoPerson)
	form.Set("decision", "allow")
	u.RawQuery = ""
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	if err := response.Body.Close(); err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusSeeOther {
		return "", fmt.Errorf("the consent page answered with status %d", response.StatusCode)
	}
	return response.Header.Get("Location"), nil
}

// ask sends a GraphQL operation as the demo person.
func ask(ctx context.Context, d demo, query string, variables map[string]any, data any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.GraphQL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+d.Tokens.Demo)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // read to its end below
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if len(answer.Errors) > 0 {
		return errors.New(answer.Errors[0].Message)
	}
	return json.Unmarshal(answer.Data, data)
}
