package httpkit

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"strconv"
	"syscall"

	"github.com/org/registry-action/internal/fault"
)

// The refusals that only HTTP knows; each is its own status.
const (
	notAcceptable        fault.Kind = "not_acceptable"
	unsupportedMediaType fault.Kind = "unsupported_media_type"
	MethodNotAllowed     fault.Kind = "method_not_allowed"
	insufficientStorage  fault.Kind = "disk_full"
)

// public is fault.Public. A full disk is told too: clients can do nothing about
// it, but their users can call the operator.
func public(err error) (e *fault.Error, ok bool) {
	if e, ok = fault.Public(err); !ok && (errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)) {
		return fault.Wrap(err, insufficientStorage, "the disk of this server is full; send the request again when its operator has made room"), true
	}
	return e, ok
}

// retryAfter is what a client that meets fault.Unavailable should wait, in whole seconds.
func retryAfter(err error) int { return max(1, int(math.Ceil(fault.Wait(err).Seconds()))) }

// Status turns an error into a status. It is the only place that does.
func Status(err error) int {
	e, ok := public(err)
	if !ok {
		return http.StatusInternalServerError
	}
	switch e.Kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Exists:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Upstream:
		return http.StatusBadGateway
	case fault.Loop:
		return http.StatusLoopDetected
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case notAcceptable:
		return http.StatusNotAcceptable
	case unsupportedMediaType:
		return http.StatusUnsupportedMediaType
	case MethodNotAllowed:
		return http.StatusMethodNotAllowed
	case insufficientStorage:
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

// WriteError answers err as {"error", "code", ...details}. An error without a
// public message is "internal error" with the request's id; its text is for the log.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	status := Status(err)
	body := map[string]any{"error": "internal error", "code": "internal", "requestId": requestID(w)}
	if e, ok := public(err); ok {
		body = map[string]any{"error": e.Message, "code": e.Code}
		if e.Code == "" {
			body["code"] = string(e.Kind)
		}
		maps.Copy(body, e.Details)
	}
	switch status {
	case http.StatusUnauthorized:
		if body["code"] != "wrong_password" { // told of any challenge, npm shows that in place of the text
			w.Header().Set("WWW-Authenticate", `Bearer realm="registry"`)
		}
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter(err)))
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, status, body)
}

// Failure is what may be told of err, for who shapes answers of its own: the status, the message, and the request's
// id if the message says nothing. It sets the headers that go with the status.
func Failure(w http.ResponseWriter, err error) (status int, message, request string) {
	status = Status(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter(err)))
	}
	if e, ok := public(err); ok {
		return status, e.Message, ""
	}
	return status, "Something went wrong on this server.", requestID(w)
}

const jsonType = "application/json; charset=utf-8"

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"internal error","code":"internal"}`)
	}
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // the client is gone if this fails
}
