package pantry

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/org/registry-action/internal/foreign"
	"github.com/org/registry-action/internal/format/semver"
)

// item is an item of Pantry's table.
type item map[string]types.AttributeValue

// text reads an attribute that is a text, or absent.
func (it item) text(name string) (text string, found bool, err error) {
	switch v := it[name].(type) {
	case nil, *types.AttributeValueMemberNULL:
		return "", false, nil
	case *types.AttributeValueMemberS:
		return v.Value, true, nil
	}
	return "", false, fmt.Errorf("the attribute %s of its item is not a text", name)
}

// metadata is what an import needs of the item of a package.
type metadata struct{ latest, publisher string }

func readMetadata(it item, name string) (m metadata, err error) {
	said, found, err := it.text("name")
	if err != nil {
		return m, err
	}
	if found && said != name {
		return m, fmt.Errorf("its item says that it is %.230q", said)
	}
	if m.latest, _, err = it.text("latestVersion"); err != nil {
		return m, err
	}
	m.publisher, _, err = it.text("publishedBy")
	return m, err
}

// versionOf reads the item of a version. One that is broken leaves the others.
func versionOf(it item, name, version string) foreign.Version {
	v := foreign.Version{Version: version}
	if _, v.Problem = semver.Parse(version); v.Problem != nil { // Pantry takes anything
		return v
	}
	v.File = key(name, version)
	v.Problem = readVersionItem(it, &v)
	return v
}

func readVersionItem(it item, v *foreign.Version) error {
	said, found, err := it.text("version")
	if err != nil {
		return err
	}
	if found && said != v.Version {
		return fmt.Errorf("its item says that it is version %.80q", said)
	}
	if v.Checksum, _, err = it.text("checksum"); err != nil {
		return err
	}
	at, found, err := it.text("publishedAt")
	if err != nil || !found {
		return err
	}
	if v.PublishedAt, err = time.Parse(time.RFC3339, at); err != nil {
		return fmt.Errorf("the attribute publishedAt of its item, %.40q, is not a time such as 2026-01-02T03:04:05.678Z", at)
	}
	return nil
}
