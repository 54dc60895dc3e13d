package rook_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"healthgraph/simulators/rook"
)

func TestConfigDefaultsAndPublicURL(t *testing.T) {
	sim := rook.New(rook.Config{PublicURL: "http://localhost:8081/"})
	req := httptest.NewRequest(http.MethodGet, "/api/v1/user_id/demo/data_source/Oura/authorizer", nil)
	req.SetBasicAuth(rook.DummyClientUUID, rook.DummySecret)
	req.Header.Set("User-Agent", "simulator-test/1")
	res := httptest.NewRecorder()
	sim.Handler().ServeHTTP(res, req)
	if res.Code != http.StatusOK || !strings.Contains(res.Body.String(), `"http://localhost:8081/consent?state=`) {
		t.Errorf("%d %s", res.Code, res.Body)
	}
}
