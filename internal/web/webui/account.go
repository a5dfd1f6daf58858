package webui

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

const (
	accountPath = ownPrefix + "account"
	maxShown    = 200 // rows of a list
)

// accountView is what the page of somebody's account shows.
type accountView struct {
	User    string
	Admin   bool
	Ends    bool // by a session, which can be ended
	Tokens  []auth.TokenInfo
	More    int // tokens that are not shown
	Owned   []Found
	Trusted []trusted
	Made    *madeToken
	Session string // name of the tokens that are sessions
	Error   string
	Done    string
}

// madeToken is a token that is shown this once.
type madeToken struct {
	auth.TokenInfo
	Secret string
	Config string // the line of .npmrc
}

// known is the viewer, who must not be anonymous.
func (u *UI) known(r *http.Request) (auth.Principal, error) {
	who := u.viewer(r)
	if who.Anonymous() {
		return who, fault.New(fault.Unauthenticated, "Sign in first.")
	}
	return who, nil
}

// submitted is a form and who has sent it, who must not be anonymous.
func (u *UI) submitted(w http.ResponseWriter, r *http.Request) (auth.Principal, url.Values, error) {
	who, err := u.known(r)
	if err != nil {
		return who, nil, err
	}
	values, err := form(w, r)
	return who, values, err
}

func (u *UI) account(w http.ResponseWriter, r *http.Request) error {
	return u.showAccount(w, r, http.StatusOK, accountView{Done: doneText(r)})
}

func (u *UI) showAccount(w http.ResponseWriter, r *http.Request, status int, v accountView) error {
	who, err := u.known(r)
	if err != nil {
		return err
	}
	v.User, v.Admin, v.Ends, v.Session = who.User(), who.IsAdmin(), u.session(r) != "", sessionName
	if v.Tokens, err = u.Auth.Tokens(r.Context(), who, who.User()); err != nil {
		return err
	}
	v.More = max(0, len(v.Tokens)-maxShown)
	v.Tokens = v.Tokens[:min(len(v.Tokens), maxShown)]
	if v.Owned, err = u.owned(r.Context(), who.User()); err != nil {
		return err
	}
	if v.Trusted, err = u.trusted(r.Context(), who, v.Owned); err != nil {
		return err
	}
	return u.render(w, r, status, "account", Page{Title: "Account", Secret: true, Data: v})
}

// owned is what belongs to a user, as far as it is known by user: npm packages by their owners, the rest by who publishes it.
func (u *UI) owned(ctx context.Context, user string) ([]Found, error) {
	names, err := u.Packages.Owned(ctx, user)
	if err != nil {
		return nil, err
	}
	all := []Found{}
	for _, name := range names[:min(len(names), maxShown)] {
		all = append(all, Found{Kind: kindNPM, Name: name})
	}
	found, _, err := u.Search.Search(ctx, "author:"+user, 0, searchPage)
	for _, f := range found {
		if f.Kind != kindNPM {
			all = append(all, f)
		}
	}
	return all, err
}

func (u *UI) createToken(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "token create", "", "")
	who, values, err := u.submitted(w, r)
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(values.Get("days"))
	if err != nil || days < 0 || days > 3650 {
		err = fault.New(fault.Invalid, "%.20q is no number of days up to 3650; 0 is for ever", values.Get("days"))
	}
	var secret string
	var info auth.TokenInfo
	if err == nil && !who.IsAdmin() {
		// What a session makes would end with it; and whoever finds a browser open makes nothing that lasts.
		who, err = u.recognize(r, who.User(), values.Get("password"))
	}
	if err == nil {
		secret, info, err = u.Auth.CreateToken(r.Context(), who, auth.NewToken{
			Name: values.Get("name"), User: who.User(), Permission: auth.Permission(values.Get("permission")),
			Packages: strings.Fields(values.Get("packages")), Repositories: strings.Fields(values.Get("repositories")),
			Expires: time.Duration(days) * 24 * time.Hour,
		})
	}
	if e, public := fault.Public(err); public {
		return u.showAccount(w, r, httpkit.Status(err), accountView{Error: e.Message})
	}
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", "token "+info.Key, "")
	_, host, _ := strings.Cut(u.BaseURL, ":")
	return u.showAccount(w, r, http.StatusCreated, accountView{Made: &madeToken{info, secret, "npm config set " + host + "/:_authToken " + secret}})
}

func (u *UI) revokeToken(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "token revoke", "", "")
	who, values, err := u.submitted(w, r)
	if err != nil {
		return err
	}
	key := values.Get("key")
	if len(key) > 64 || strings.Trim(key, "0123456789abcdef") != "" { // a secret is no key
		return fault.New(fault.Invalid, "a token is named by its key")
	}
	httpkit.Audit(r, "", "token "+key, "")
	if err := u.Auth.Revoke(r.Context(), who, key); err != nil {
		return err
	}
	return u.done(w, r, accountPath, "revoked")
}

// The texts that a page says after a change.
var doneTexts = map[string]string{
	"revoked": "The token is revoked.",
	"changed": "Done.",
	"untrust": "The policy is removed.",
	"user":    "The account is made, or has its new password.",
	"removed": "The account is removed, with its tokens.",
}

// doneText is what the address says was done before; it can say nothing but these.
func doneText(r *http.Request) string { return doneTexts[r.URL.Query().Get("done")] }

// done leads back to a page after a change.
func (u *UI) done(w http.ResponseWriter, r *http.Request, path, what string) error {
	sign := "?"
	if slices.Contains([]byte(path), '?') {
		sign = "&"
	}
	http.Redirect(w, r, u.base+path+sign+"done="+what, http.StatusSeeOther)
	return nil
}
