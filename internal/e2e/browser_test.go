package e2e

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// pagePatience is the patience with a page: what is not on it is told soon.
const pagePatience = 2 * time.Minute

// tab is a page in a headless browser, which ends with the test. What goes wrong in it fails the test: see watch.
type tab struct {
	t       *testing.T
	ctx     context.Context
	origin  string   // the only one that requests may go to
	allowed []string // parts of console errors that the test expects

	mu     sync.Mutex
	status int64                      // of the document
	loads  map[network.RequestID]bool // of documents, styles and scripts
	bytes  float64                    // received of these
}

// newTab starts a browser for pages of an origin, whose cookies begin empty.
func newTab(t *testing.T, origin string) *tab {
	t.Helper()
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browserPath(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, origin: u.Scheme + "://" + u.Host, loads: map[network.RequestID]bool{}}
	if err := chromedp.Listen(ctx, b.watch); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	call(b, network.Enable, network.EnableParams{})
	call(b, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		if _, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, Origin: b.origin,
		}); err != nil {
			t.Fatalf("letting pages use the clipboard: %v", err)
		}
	}
	return b
}

// browserPath is the browser of the system; without one the test fails.
func browserPath(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("Chromium is needed: make tools installs it")
	return ""
}

// watch notes what happens in the tab. Requests to others, errors on the console (which refusals of the
// Content-Security-Policy are, too) and dialogs fail the test.
func (b *tab) watch(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; u != b.origin && !strings.HasPrefix(u, b.origin+"/") {
			b.t.Errorf("%s asks for %s", e.DocumentURL, u)
		}
		switch e.Type {
		case network.ResourceTypeDocument, network.ResourceTypeStylesheet, network.ResourceTypeScript:
			b.loads[e.RequestID] = true
		}
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			b.status = e.Response.Status
		}
	case *network.EventLoadingFinished:
		if b.loads[e.RequestID] {
			b.bytes += e.EncodedDataLength
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.complain(e.Entry.URL + ": " + e.Entry.Text)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			b.complain("console.error")
		}
	case *runtime.EventExceptionThrown:
		b.complain(e.ExceptionDetails.Text)
	case *page.EventJavascriptDialogOpening:
		b.t.Errorf("%s opens a dialog: %s", e.URL, e.Message)
		go func() { // watch must not wait; the answer ends with the tab
			_, _ = chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{})
		}()
	}
}

// complain fails the test for an error that it does not expect.
func (b *tab) complain(text string) {
	for _, part := range b.allowed {
		if strings.Contains(text, part) {
			return
		}
	}
	b.t.Errorf("the browser says: %s", text)
}

// expect makes errors on the console no failures that have one of the parts, as "status of 404".
func (b *tab) expect(parts ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.allowed = parts
}

// call sends a command to the browser.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pagePatience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

// do runs steps in the tab.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pagePatience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.shoot("failure")
		b.t.Fatalf("in the browser, at %s: %v", b.at(), err)
	}
}

// open goes to a page and fails the test unless it answers with the status.
func (b *tab) open(address string, status int64) {
	b.t.Helper()
	b.mu.Lock()
	b.status, b.bytes = 0, 0
	clear(b.loads)
	b.mu.Unlock()
	b.do(chromedp.Navigate(address))
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.status != status {
		b.t.Errorf("%s answers %d, want %d", address, b.status, status)
	}
}

// eval is the value of an expression in the page; of a promise what it becomes.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pagePatience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("evaluating %.200s: %v", expression, err)
	}
	return v
}

// await waits until an expression is true in the page, or in the one that it leads to.
func (b *tab) await(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pagePatience)
	defer cancel()
	for {
		// While one page gives way to another there is nothing to evaluate in.
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			b.shoot("failure")
			b.t.Fatalf("%s does not become true at %s: %v", expression, b.at(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// at is the address of the page, without its origin.
func (b *tab) at() string {
	b.t.Helper()
	return strings.TrimPrefix(eval[string](b, "location.href"), b.origin)
}

// text is what a selector's first element shows.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

// follow clicks what leads to another page, and waits for it.
func (b *tab) follow(selector string) {
	b.t.Helper()
	eval[bool](b, "window.left = false, true")
	b.do(chromedp.Click(chromedp.CSS(selector)))
	b.await("window.left === undefined && document.readyState === 'complete'")
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9.]+`)

// shoot keeps a picture of the whole page in the folder E2E_SCREENSHOTS, or else with the test's artifacts.
func (b *tab) shoot(name string) {
	b.t.Helper()
	folder := os.Getenv("E2E_SCREENSHOTS")
	if folder == "" {
		folder = b.t.ArtifactDir()
	}
	ctx, cancel := context.WithTimeout(b.ctx, pagePatience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		name = strings.Trim(unfit.ReplaceAllString(b.t.Name()+"-"+name, "-"), "-")
		if err = os.MkdirAll(folder, 0o755); err == nil {
			err = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644)
		}
	}
	if err != nil {
		b.t.Errorf("taking a picture: %v", err)
	}
}
