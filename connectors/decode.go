package connectors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	experiment "github.com/go-json-experiment/json"
	experimentv1 "github.com/go-json-experiment/json/v1"
)

// GetJSON makes the call and decodes a 200 answer into out. found is false for 204. Any other status is a failure.
func (c *Client) GetJSON(ctx context.Context, call Call, out any) (found bool, err error) {
	answer, err := c.Do(ctx, call)
	if err != nil {
		return false, err
	}
	if err := c.Failure(call, answer); err != nil {
		return false, err
	}
	if answer.Status == http.StatusNoContent {
		return false, nil
	}
	return true, c.Decode(answer, out)
}

// Decode reads a JSON answer into out, as Unmarshal does. What does not fit is UPSTREAM_INVALID, and the cause says no more than
// where.
func (c *Client) Decode(answer Answer, out any) error {
	err := Unmarshal(answer.Body, out)
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return c.Invalid(fmt.Sprintf("the JSON field %q has another type than promised", kind.Field))
	case errors.As(err, &syntax):
		return c.Invalid(fmt.Sprintf("not JSON from byte %d on", syntax.Offset))
	default:
		return c.Invalid("not the JSON that was promised")
	}
}

// asEver are encoding/json's rules about names, repetitions, null and what is there already. Its rule that the first of many errors
// is told, after all else was read, would cost a pass of its own.
var asEver = experiment.JoinOptions(experimentv1.DefaultOptionsV1(), experimentv1.ReportErrorsWithLegacySemantics(false))

// Unmarshal is encoding/json's, in a quarter of the time: documents are kilobytes of which a few fields are read. out points to a
// zero value.
//
// What the fast decoder does not take, encoding/json judges: it has the last word, and its errors name our fields, never what an
// upstream calls its own.
func Unmarshal(data []byte, out any) error {
	if experiment.Unmarshal(data, out, asEver) == nil {
		return nil
	}
	if v := reflect.ValueOf(out); v.Kind() == reflect.Pointer && !v.IsNil() {
		v.Elem().SetZero() // of what had been read by then
	}
	return json.Unmarshal(data, out)
}
