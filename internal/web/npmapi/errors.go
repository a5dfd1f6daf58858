package npmapi

import (
	"errors"
	"fmt"

	"github.com/org/registry-action/internal/fault"
)

func errSignIn() error {
	return fault.New(fault.Unauthenticated, "nobody is signed in: run npm login, or put a token into .npmrc as _authToken")
}

// republish answers a version that is there with other bytes as the public
// registry does: release tools look for its status and its words.
func republish(err error, versions ...string) error {
	e, ok := fault.Public(err)
	if !ok || !errors.Is(e, fault.Exists) {
		return err
	}
	message := e.Message
	switch e.Code {
	case "version_exists":
		if len(versions) == 1 {
			message = fmt.Sprintf("You cannot publish over the previously published versions: %s.", versions[0])
		}
	case "version_gone":
	default:
		return err
	}
	return fault.Wrap(err, fault.Forbidden, "%s", message).WithCode(e.Code)
}
