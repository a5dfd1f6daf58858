package forgetest

import (
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// App is a GitHub App that is installed on the repository.
type App struct {
	ID   string // that its JWTs are issued by
	Slug string
	Key  *rsa.PublicKey
	// NotInstalled: it exists, but the repository has not let it in.
	NotInstalled bool
}

// installation is the id of the one installation.
const installation = 4711

// SetApp makes an App known.
func (s *Server) SetApp(a App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app = &a
}

// maxJWT is how long the JWT of an App may be good at most.
const maxJWT = 10 * time.Minute

// appRoute answers the requests that an App makes in its own name. handled is false if the route is none of them.
func (s *Server) appRoute(w *httptest.ResponseRecorder, route, token string, params map[string]string) (handled bool) {
	switch route {
	case GetApp, GetInstallation, CreateInstallationToken:
	default:
		return false
	}
	if err := s.checkJWT(token); err != nil {
		refuse(w, http.StatusUnauthorized, err.Error())
		return true
	}
	switch {
	case route == GetApp:
		o := s.example("integration")
		o["slug"] = s.app.Slug
		answer(w, http.StatusOK, o)
	case s.app.NotInstalled,
		route == GetInstallation && (params["owner"] != Owner || params["repo"] != Repo),
		route == CreateInstallationToken && params["installation_id"] != fmt.Sprint(installation):
		refuse(w, http.StatusNotFound, "Not Found")
	case route == GetInstallation:
		o := s.example("installation")
		o["id"] = installation
		answer(w, http.StatusOK, o)
	default:
		s.lastID++
		secret := fmt.Sprintf("ghs_%d", s.lastID)
		s.accounts[secret] = Account{Login: s.app.Slug + "[bot]", Installation: true}
		o := s.example("installation-token")
		o["token"], o["expires_at"] = secret, time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		answer(w, http.StatusCreated, o)
	}
	return true
}

// checkJWT holds a JWT against what GitHub asks of an App's.
func (s *Server) checkJWT(token string) error {
	if s.app == nil || strings.Count(token, ".") != 2 {
		return fmt.Errorf("a JSON web token could not be decoded")
	}
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return s.app.Key, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(s.app.ID), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	if err != nil {
		return fmt.Errorf("a JSON web token could not be decoded")
	}
	if time.Until(claims.ExpiresAt.Time) > maxJWT {
		return fmt.Errorf("'Expiration time' claim ('exp') is too far in the future")
	}
	return nil
}
