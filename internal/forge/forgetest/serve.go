package forgetest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/getkin/kin-openapi/openapi3filter"
)

// maxRequest bounds a request's body, in bytes.
const maxRequest = 1 << 20

// ServeHTTP checks a request, lets it take effect and checks the answer.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		s.t.Errorf("%s %s: reading the body: %v", r.Method, r.URL.Path, err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	input, ok := s.check(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))

	route := r.Method + " " + input.Route.Path
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") // "" for none
	req, hook := s.arrive(route, token)
	if hook != nil {
		hook(req)
	}
	answer := httptest.NewRecorder()
	answer.Header().Set("X-RateLimit-Limit", "5000")
	answer.Header().Set("X-RateLimit-Remaining", "4999")
	f, faulty := s.fault(route)
	if !faulty || f.Applied {
		s.handle(answer, r, route, token, input.PathParams)
	}
	if faulty {
		if f.Status == 0 {
			panic(http.ErrAbortHandler)
		}
		answer = httptest.NewRecorder()
		f.answer(answer)
	}
	s.checkAnswer(route, input, answer)
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// check holds a request against the description.
func (s *Server) check(r *http.Request) (*openapi3filter.RequestValidationInput, bool) {
	route, params, err := s.router.FindRoute(r)
	if err != nil {
		s.t.Errorf("%s %s: GitHub has no such route, or it is not among those of package ghspec: %v", r.Method, r.URL, err)
		return nil, false
	}
	if r.UserAgent() == "" || r.Header.Get("X-Github-Api-Version") == "" {
		s.t.Errorf("%s %s: the request lacks User-Agent or X-GitHub-Api-Version", r.Method, r.URL)
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, Route: route, PathParams: params,
		Options: &openapi3filter.Options{RejectWhenRequestBodyNotSpecified: true},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		s.t.Errorf("%s %s: the request is not what GitHub describes: %v", r.Method, r.URL, err)
	}
	return input, true
}

// checkAnswer holds our own answer against the description. Statuses of
// refusals that it leaves out, such as 429, pass.
func (s *Server) checkAnswer(route string, input *openapi3filter.RequestValidationInput, a *httptest.ResponseRecorder) {
	err := openapi3filter.ValidateResponse(input.Request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 a.Code,
		Header:                 a.Header(),
		Body:                   io.NopCloser(bytes.NewReader(a.Body.Bytes())),
		Options:                &openapi3filter.Options{IncludeResponseStatus: a.Code < 400},
	})
	if err != nil {
		s.t.Errorf("%s: our answer %d is not what GitHub describes: %v", route, a.Code, err)
	}
}
