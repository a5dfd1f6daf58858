package pkgprnew

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"github.com/org/registry-action/internal/forge"
)

const keyLength = 10

var wellFormed = regexp.MustCompile(`^[A-Za-z0-9]{10}$`)

// Key is what the CLI shows for a run: ohash 1.1 of {owner, repo, run, attempt, actor}, the names as CI writes them.
func Key(owner, repo string, run, attempt, actor int64) string {
	text := fmt.Sprintf("object:5:string:5:actor:number:%d,string:7:attempt:number:%d,string:5:owner:string:%d:%s,string:4:repo:string:%d:%s,string:3:run:number:%d,",
		actor, attempt, len(owner), owner, len(repo), repo, run)
	sum := sha256.Sum256([]byte(text))
	digits := strings.NewReplacer("+", "", "/", "", "=", "").Replace(base64.StdEncoding.EncodeToString(sum[:]))
	return digits[:min(keyLength, len(digits))]
}

// hasKey reports whether a run has the key. The CLI is told who began the run; others who began this attempt count too.
func hasKey(r forge.Run, owner, repo, key string) bool {
	found := 0
	for _, actor := range []int64{r.ActorID, r.TriggeredByID} {
		found |= subtle.ConstantTimeCompare([]byte(Key(owner, repo, r.ID, r.Attempt, actor)), []byte(key))
	}
	return found == 1
}
