package webui

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/store/storetest"
)

const rootToken = "the-root-token-of-this-test"

// accountServer is the pages over accounts alone.
type accountServer struct {
	*testing.T
	ui   *UI
	auth *auth.Service
}

func newAccountServer(t *testing.T, change func(*Config, *auth.Options)) *accountServer {
	t.Helper()
	db := storetest.OpenDB(t, nil)
	c := Config{Site: "Acme", BaseURL: "http://registry.example", Search: nowhere{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	opt := auth.Options{RootToken: rootToken}
	if change != nil {
		change(&c, &opt)
	}
	c.Auth, c.Stats = auth.New(db, opt), stats.New(db, stats.Options{Log: c.Log})
	t.Cleanup(func() {
		if err := c.Stats.Close(); err != nil {
			t.Error(err)
		}
	})
	return &accountServer{t, New(c), c.Auth}
}

// nowhere is an empty index.
type nowhere struct{}

func (nowhere) Search(context.Context, string, int, int) ([]Found, int, error) { return nil, 0, nil }
func (nowhere) Suggest(context.Context, string, int) ([]Found, error)          { return nil, nil }
func (nowhere) Dependents(context.Context, string, int, int) ([]Found, int, error) {
	return nil, 0, nil
}
func (nowhere) Recent(context.Context, int) ([]Found, error) { return nil, nil }

// user makes an account.
func (s *accountServer) user(name, password string) {
	s.Helper()
	admin, err := s.auth.Identify(s.Context(), auth.Credentials{Token: rootToken})
	if err == nil {
		_, _, err = s.auth.SignIn(s.Context(), admin, name, password, name+"@example.com")
	}
	if err != nil {
		s.Fatal(err)
	}
}

// send makes a request, with a form if there are values.
func (s *accountServer) send(method, path string, values url.Values, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	s.Helper()
	var body io.Reader
	if values != nil {
		body = strings.NewReader(values.Encode())
	}
	r := httptest.NewRequest(method, path, body)
	if values != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	s.ui.ServeHTTP(w, r)
	return w
}

// signIn returns the cookie of a session.
func (s *accountServer) signIn(user, password string, before ...*http.Cookie) *http.Cookie {
	s.Helper()
	w := s.send("POST", "/-/web/login", url.Values{"user": {user}, "password": {password}}, before...)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(cookies) != 1 {
		s.Fatalf("signing in answers %d with %d cookies: %s", w.Code, len(cookies), w.Body)
	}
	return cookies[0]
}

// whose is the user of a token, "" if it is nobody's.
func (s *accountServer) whose(token string) string {
	who, err := s.auth.Identify(s.Context(), auth.Credentials{Token: token})
	if err != nil {
		return ""
	}
	return who.User()
}

func TestCookie(t *testing.T) {
	s := newAccountServer(t, nil)
	s.user("ada", "correct horse battery")
	c := s.signIn("ada", "correct horse battery")
	if c.Name != "session" || c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 12*60*60 {
		t.Errorf("over http: %+v", c)
	}
	s = newAccountServer(t, func(c *Config, _ *auth.Options) { c.BaseURL = "https://registry.example/npm" })
	s.user("ada", "correct horse battery")
	if c = s.signIn("ada", "correct horse battery"); c.Name != "__Host-session" || !c.Secure || c.Path != "/" || c.Domain != "" {
		t.Errorf("over https: %+v", c)
	}
	if got := s.whose(c.Value); got != "ada" {
		t.Errorf("the session is %q's", got)
	}
	if w := s.send("GET", "/-/web/account", nil, &http.Cookie{Name: "session", Value: c.Value}); w.Code != http.StatusSeeOther {
		t.Errorf("a cookie without its prefix counts: %d", w.Code)
	}
}

// A session may do what its user may, and no more.
func TestSessionIsLimited(t *testing.T) {
	s := newAccountServer(t, nil)
	admin, err := s.auth.Identify(t.Context(), auth.Credentials{Token: rootToken})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []auth.Permission{auth.Read, auth.Publish, auth.Admin} {
		secret, _, err := s.auth.CreateToken(t.Context(), admin, auth.NewToken{Name: "t", User: "ci", Permission: want, Expires: sessionFor / 2})
		if err != nil {
			t.Fatal(err)
		}
		session := s.signIn("", secret)
		who, err := s.auth.Identify(t.Context(), auth.Credentials{Token: session.Value})
		if err != nil || who.User() != "ci" || who.IsAdmin() != (want == auth.Admin) || (who.MayUpload() == nil) != (want != auth.Read) {
			t.Errorf("the session of a token with %s is %v, error %v", want, who, err)
		}
		if want != auth.Admin {
			if err := s.auth.Revoke(t.Context(), who, secret); err != nil {
				t.Fatal(err)
			}
			if got := s.whose(session.Value); got != "" {
				t.Errorf("the session outlives its token with %s", want)
			}
		}
	}
	session := s.signIn("", rootToken)
	if got := s.send("GET", "/-/web/login", nil, session).Body.String(); !strings.Contains(got, "<strong>admin</strong>") {
		t.Errorf("signing in with REGISTRY_TOKEN: %s", got)
	}
	if session.Value == rootToken {
		t.Error("the cookie is the REGISTRY_TOKEN")
	}
}

func TestWrongSignIn(t *testing.T) {
	s := newAccountServer(t, nil)
	s.user("ada", "correct horse battery")
	for _, tt := range []struct{ user, password string }{
		{"ada", "wrong"}, {"ada", ""}, {"", ""}, {"", "regact_nothing"}, {"eve", "correct horse battery"}, {"eve", rootToken}, {"", "correct horse battery"},
	} {
		w := s.send("POST", "/-/web/login", url.Values{"user": {tt.user}, "password": {tt.password}})
		if w.Code != http.StatusUnauthorized || len(w.Result().Cookies()) != 0 || !strings.Contains(w.Body.String(), "do not fit") {
			t.Errorf("%q with %q is answered %d", tt.user, tt.password, w.Code)
		}
	}
	if w := s.send("POST", "/-/web/login", nil); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("no form: %d", w.Code)
	}
	for i := range 10 { // which are allowed
		s.send("POST", "/-/web/login", url.Values{"user": {"ada"}, "password": {fmt.Sprint("guess ", i)}})
	}
	if w := s.send("POST", "/-/web/login", url.Values{"user": {"ada"}, "password": {"guess 10"}}); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "too many attempts") {
		t.Errorf("guessing is answered %d", w.Code)
	}
}

// Whoever has planted a cookie before knows nothing of the session after.
func TestNoFixation(t *testing.T) {
	s := newAccountServer(t, nil)
	s.user("ada", "correct horse battery")
	s.user("eve", "another horse battery")
	planted := s.signIn("eve", "another horse battery")
	c := s.signIn("ada", "correct horse battery", planted)
	if c.Value == planted.Value || s.whose(c.Value) != "ada" || s.whose(planted.Value) != "" {
		t.Errorf("the new session is %q's, the planted one %q's", s.whose(c.Value), s.whose(planted.Value))
	}
	again := s.signIn("ada", "correct horse battery")
	two := s.send("GET", "/-/web/account", nil, again, &http.Cookie{Name: again.Name, Value: "regact_planted"})
	if two.Code != http.StatusSeeOther {
		t.Errorf("of two cookies one counts: %d", two.Code)
	}
}

func TestSignOut(t *testing.T) {
	s := newAccountServer(t, nil)
	s.user("ada", "correct horse battery")
	c := s.signIn("ada", "correct horse battery")
	w := s.send("POST", "/-/web/logout", url.Values{}, c)
	gone := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" || len(gone) != 1 || gone[0].MaxAge >= 0 || s.whose(c.Value) != "" {
		t.Errorf("signing out: %d %v, the session is %q's", w.Code, gone, s.whose(c.Value))
	}
}

func TestNextIsOurs(t *testing.T) {
	s := newAccountServer(t, func(c *Config, _ *auth.Options) { c.BaseURL = "https://registry.example/npm" })
	s.user("ada", "correct horse battery")
	for _, good := range []string{"/npm/", "/npm/-/web/account", "/npm/packages/@acme/core?x=1#y", "/npm/search?q=%2F%2Fevil.example"} {
		if got := s.ui.ownPath(good); got != good {
			t.Errorf("ownPath(%q) = %q", good, got)
		}
	}
	for _, bad := range []string{
		"", "x", "/", "/other", "https://evil.example/npm/", "//evil.example/npm/", "/\\evil.example", "/npm/\\..", "\\\\evil.example", "/npm//../..//evil.example\t",
		"javascript:alert(1)", " /npm/", "/npm/ x", "/npm/\r\nSet-Cookie: a=b", "/\t/evil.example", "/npm/%zz", strings.Repeat("/npm/", 1000),
	} {
		if got := s.ui.ownPath(bad); got != "/npm/" {
			t.Errorf("ownPath(%q) = %q", bad, got)
		}
		w := s.send("POST", "/-/web/login", url.Values{"user": {"ada"}, "password": {"correct horse battery"}, "next": {bad}})
		if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "/npm/" {
			t.Errorf("next=%q leads to %q (%d)", bad, got, w.Code)
		}
	}
}

// Without somebody signed in nothing of an account is shown or changed.
func TestStrangers(t *testing.T) {
	s := newAccountServer(t, func(_ *Config, o *auth.Options) { o.ReadAuth = true })
	for _, path := range []string{"/", "/search?q=x", "/-/web/account", "/-/web/manage?kind=npm&name=x", "/-/web/admin"} {
		w := s.send("GET", path, nil)
		if want := "/-/web/login?next=" + url.QueryEscape(path); w.Code != http.StatusSeeOther || w.Header().Get("Location") != want {
			t.Errorf("%s is answered %d to %s", path, w.Code, w.Header().Get("Location"))
		}
	}
	for _, path := range []string{"/-/web/account/tokens", "/-/web/account/revoke", "/-/web/manage/owner", "/-/web/admin/users", "/-/web/admin/users/remove"} {
		if w := s.send("POST", path, url.Values{"name": {"x"}, "kind": {"npm"}}); w.Code != http.StatusUnauthorized {
			t.Errorf("%s is answered %d", path, w.Code)
		}
	}
	s.user("ada", "correct horse battery")
	c := s.signIn("ada", "correct horse battery")
	for _, path := range []string{"/-/web/admin/users", "/-/web/admin/users/remove"} {
		if w := s.send("POST", path, url.Values{"name": {"ada"}}, c); w.Code != http.StatusForbidden {
			t.Errorf("%s is answered %d to a user", path, w.Code)
		}
	}
	// Who has signed in is so on pages of errors, too.
	for path, status := range map[string]int{"/-/web/admin": http.StatusForbidden, "/-/web/none": http.StatusNotFound} {
		if w := s.send("GET", path, nil, c); w.Code != status || !strings.Contains(w.Body.String(), "/-/web/account\">ada</a>") {
			t.Errorf("%s is answered %d to a user: %s", path, w.Code, w.Body)
		}
	}
}
