package infra

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// identities is an STS in front of moto's, which takes any token, that notes what is asked of it.
type identities struct {
	url string

	mu    sync.Mutex
	forms []url.Values
}

func startIdentities(t *testing.T, moto string) *identities {
	t.Helper()
	to, err := url.Parse(moto)
	if err != nil {
		t.Fatal(err)
	}
	i := &identities{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(to); p.Out.Host = "sts.us-east-1.amazonaws.com" }, // moto knows an unsigned request by its host
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form := i.note(r)
		body := form.Encode()
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	i.url = s.URL
	return i
}

// note keeps the form of a request.
func (i *identities) note(r *http.Request) url.Values {
	_ = r.ParseForm() // one that is none is empty
	i.mu.Lock()
	defer i.mu.Unlock()
	i.forms = append(i.forms, r.PostForm)
	return r.PostForm
}

// asked are the values of a parameter in all requests, each once.
func (i *identities) asked(parameter string) (values []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, f := range i.forms {
		values = append(values, f.Get(parameter))
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// A pod has no keys but a token of its service account, for which STS lends it those of the stack's role.
func TestWebIdentity(t *testing.T) {
	c := startCloud(t)
	sts := startIdentities(t, c.url)
	outputs := c.deploy(map[string]string{"RegistryDomain": "registry.example.com", "Compute": "irsa", "OIDCProvider": "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF"})
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("token-of-the-pod"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := envFile(outputs["Environment"])
	maps.Copy(env, map[string]string{
		"REGISTRY_TOKEN": token, "S3_ENDPOINT": c.url, "S3_FORCE_PATH_STYLE": "true", "DYNAMODB_ENDPOINT": c.url,
		"AWS_ROLE_ARN": outputs["RoleArn"], "AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_ENDPOINT_URL_STS": sts.url,
	})
	startAs(t, env).get("/ready")
	for parameter, want := range map[string]string{"Action": "AssumeRoleWithWebIdentity", "RoleArn": outputs["RoleArn"], "WebIdentityToken": "token-of-the-pod"} {
		if got := sts.asked(parameter); want == "" || !slices.Equal(got, []string{want}) {
			t.Errorf("STS was asked with %s %q, want %q", parameter, got, want)
		}
	}
}
