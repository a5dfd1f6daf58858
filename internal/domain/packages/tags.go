package packages

import (
	"context"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

const (
	maxTag         = 214 // bytes
	maxTagsAtOnce  = 20
	codeInvalidTag = "invalid_tag"
)

// validTag checks a dist-tag. A range would never be looked up as a tag, and
// npm takes only what a URL needs not escape (npm-package-arg).
func validTag(tag string) error {
	rule := ""
	_, err := semver.ParseRange(tag)
	switch {
	case tag == "" || len(tag) > maxTag:
		rule = "it has 1 to 214 characters"
	case strings.ContainsFunc(tag, notInTag):
		rule = `only letters, digits and - _ . ! ~ * ' ( ) are allowed`
	case err == nil:
		rule = "it must not be a version or a range of versions, which clients would take it for"
	case notName(tag):
		rule = "this name is reserved"
	default:
		return nil
	}
	return fault.New(fault.Invalid, "dist-tag %.230q is not valid: %s", tag, rule).WithCode(codeInvalidTag)
}

// notName reports what every JavaScript object has as a property: no key for documents that clients read.
func notName(key string) bool {
	return key == "__proto__" || key == "constructor" || key == "prototype"
}

func notInTag(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.!~*'()", r))
}

// validTags are the tags of a publish; none means latest.
func validTags(tags []string) ([]string, error) {
	if len(tags) == 0 {
		return []string{latest}, nil
	}
	if len(tags) > maxTagsAtOnce {
		return nil, fault.New(fault.Invalid, "%d dist-tags are more than the %d that one publish may set", len(tags), maxTagsAtOnce).WithCode(codeInvalidTag)
	}
	for _, tag := range tags {
		if err := validTag(tag); err != nil {
			return nil, err
		}
	}
	return tags, nil
}

// mustHold refuses a package that would have too many dist-tags.
func (p pkg) mustHold() error {
	if len(p.Tags) > maxTags {
		return fault.New(fault.Invalid, "%s has %d dist-tags, the most that a package can have; remove one first: npm dist-tag rm %s <tag>", p.name, maxTags, p.name).WithCode("too_many_tags")
	}
	return nil
}

// Tags returns the dist-tags of a package; fault.NotFound if there is none or nothing of it is left.
func (s *Service) Tags(ctx context.Context, name string) (map[string]string, error) {
	p, err := s.living(ctx, name)
	return p.Tags, err
}

// Tag points a dist-tag at a version.
func (s *Service) Tag(ctx context.Context, who Principal, name, tag, version string) error {
	if err := validTag(tag); err != nil {
		return err
	}
	return s.revise(ctx, name, func(p *pkg) ([]kv.Op, error) {
		if err := s.mayChangeLiving(ctx, who, *p); err != nil {
			return nil, err
		}
		row, err := s.readVersion(ctx, *p, version)
		if err != nil {
			return nil, err
		}
		if !p.point(row.Version, tag) {
			return nil, turns.ErrUnchanged
		}
		if err := p.mustHold(); err != nil {
			return nil, err
		}
		p.touched(s.now())
		if tag != latest {
			return nil, nil
		}
		return s.nameOps(*p, row)
	})
}

// Untag removes a dist-tag; "latest" can't be.
func (s *Service) Untag(ctx context.Context, who Principal, name, tag string) error {
	return s.revise(ctx, name, func(p *pkg) ([]kv.Op, error) {
		if err := s.mayChangeLiving(ctx, who, *p); err != nil {
			return nil, err
		}
		if tag == latest {
			return nil, fault.New(fault.Invalid, "the dist-tag latest can't be removed: an installation without a version needs it. Point it at another version: npm dist-tag add %s@<version> latest", name).WithCode(codeInvalidTag)
		}
		if _, ok := p.Tags[tag]; !ok {
			return nil, fault.New(fault.NotFound, "%s has no dist-tag %.230q", name, tag)
		}
		delete(p.Tags, tag)
		p.touched(s.now())
		return nil, nil
	})
}

// mayChangeLiving is mayChange for a package that must have versions.
func (s *Service) mayChangeLiving(ctx context.Context, who Principal, p pkg) error {
	if err := admit(who, p.name); err != nil {
		return err
	}
	if err := p.mustLive(); err != nil {
		return err
	}
	return s.mayChange(ctx, who, p)
}
