package simulators

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"
)

// Register adds the /_control/ endpoints to a simulator's mux. They are not counted and no fault applies to them.
func (c *Control) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /_control/calls", func(w http.ResponseWriter, _ *http.Request) {
		WriteJSON(w, http.StatusOK, c.Calls())
	})
	mux.HandleFunc("DELETE /_control/calls", func(w http.ResponseWriter, _ *http.Request) {
		c.calls.forget()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_control/switches", func(w http.ResponseWriter, _ *http.Request) { c.showSwitches(w) })
	mux.HandleFunc("PATCH /_control/switches", func(w http.ResponseWriter, r *http.Request) {
		var patch map[string]json.RawMessage
		if err := ReadJSON(w, r, &patch); err != nil {
			BadControl(w, err)
			return
		}
		if err := c.merge(patch); err != nil {
			BadControl(w, err)
			return
		}
		c.showSwitches(w)
	})
	mux.HandleFunc("PUT /_control/faults", func(w http.ResponseWriter, r *http.Request) {
		var list []Fault
		if err := ReadJSON(w, r, &list); err != nil {
			BadControl(w, fmt.Errorf("want a JSON list of faults with route, user, kind, status, retryAfter, delayMs, times: %w", err))
			return
		}
		if err := c.SetFaults(list); err != nil {
			BadControl(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /_control/faults", func(w http.ResponseWriter, _ *http.Request) {
		c.faults.set(nil)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_control/clock", func(w http.ResponseWriter, _ *http.Request) { c.showClock(w) })
	mux.HandleFunc("POST /_control/clock", func(w http.ResponseWriter, r *http.Request) {
		if err := c.setClock(w, r); err != nil {
			BadControl(w, fmt.Errorf(`want {"now":"2026-03-29T01:00:00Z"}, with "frozen":true to stop it, or {"advance":"24h"}: %w`, err))
			return
		}
		c.showClock(w)
	})
	mux.HandleFunc("/_control/", func(w http.ResponseWriter, _ *http.Request) { // not the upstream's own answer
		WriteJSON(w, http.StatusNotFound, map[string]string{"error": "allowed are GET, DELETE calls; GET, PATCH switches; " +
			"PUT, DELETE faults; GET, POST clock; POST reset; and what the simulator adds"})
	})
	mux.HandleFunc("POST /_control/reset", func(w http.ResponseWriter, _ *http.Request) {
		c.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
}

func (c *Control) showClock(w http.ResponseWriter) {
	WriteJSON(w, http.StatusOK, map[string]string{"now": c.Clock.Now().Format(time.RFC3339Nano)})
}

func (c *Control) setClock(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Now     *time.Time `json:"now"`
		Frozen  bool       `json:"frozen"`
		Advance *Duration  `json:"advance"`
	}
	if err := ReadJSON(w, r, &in); err != nil {
		return err
	}
	switch {
	case (in.Now == nil) == (in.Advance == nil):
		return errors.New("exactly one of now and advance is needed")
	case in.Frozen && in.Now == nil:
		return errors.New("frozen goes with now")
	case in.Advance != nil:
		c.Clock.Advance(time.Duration(*in.Advance))
	case in.Frozen:
		c.Clock.Freeze(*in.Now)
	default:
		c.Clock.Set(*in.Now)
	}
	return nil
}

func (c *Control) showSwitches(w http.ResponseWriter) {
	c.mu.RLock()
	body := json.RawMessage(mustMarshal(c.switches.Interface()))
	c.mu.RUnlock()
	WriteJSON(w, http.StatusOK, body)
}

// merge builds the changed switches aside and puts them in place only when all of them are acceptable.
func (c *Control) merge(patch map[string]json.RawMessage) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var initial, merged map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(c.initial, &initial), json.Unmarshal(mustMarshal(c.switches.Interface()), &merged)); err != nil {
		return err
	}
	for name, value := range patch {
		if _, known := initial[name]; !known {
			return fmt.Errorf("unknown switch %q; known are %s", name, strings.Join(switchNames(c.switches.Elem().Type()), ", "))
		}
		if string(value) == "null" {
			value = initial[name]
		}
		merged[name] = value
	}
	next := reflect.New(c.switches.Elem().Type())
	if err := json.Unmarshal(mustMarshal(merged), next.Interface()); err != nil {
		return err
	}
	if v, ok := next.Interface().(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return err
		}
	}
	c.switches.Elem().Set(next.Elem())
	return nil
}

func (c *Control) restoreSwitches() {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := reflect.New(c.switches.Elem().Type())
	if err := json.Unmarshal(c.initial, next.Interface()); err != nil {
		panic(fmt.Sprintf("simulators: the switches do not survive JSON: %v", err))
	}
	c.switches.Elem().Set(next.Elem())
}

func switchNames(t reflect.Type) []string {
	names := make([]string, 0, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// ReadJSON decodes one JSON value of at most 1 MiB from a request into v, refusing unknown fields and anything after it.
func ReadJSON(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("bad JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("bad JSON: something follows the value")
	}
	return nil
}

// WriteJSON answers with v as JSON.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(mustMarshal(v)); err != nil {
		return // the caller has gone
	}
}

// BadControl answers 400 with {"error":"…"}, as every /_control/ endpoint does on bad input.
func BadControl(w http.ResponseWriter, err error) {
	WriteJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
}

// mustMarshal is for values made in this program, which cannot fail to marshal.
func mustMarshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("simulators: %v", err))
	}
	return b
}
