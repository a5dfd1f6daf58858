package tarball

import (
	"bytes"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/ustar"
)

// tarCases are tars by what is wrong with them, each with a part of the refusal.
type tarCases map[string]struct {
	raw  []byte
	want string
}

func (cases tarCases) run(t *testing.T) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Check(bytes.NewReader(gzipped(t, tc.raw)), Limits{})
			wantRefusal(t, err, fault.Invalid, tc.want)
		})
	}
}

func indexEntry() string { return entry('0', "package/index.js", "x") }

func named(name string) string { return entry('0', name, "x") }

func TestCheckRefusesManifests(t *testing.T) {
	withManifest := func(text string) []byte { return rawTar(entry('0', "package/package.json", text)) }
	tarCases{
		"empty tar":              {rawTar(), "no package.json file"},
		"no package.json":        {rawTar(indexEntry()), "no package.json file"},
		"package.json too deep":  {rawTar(named("package/a/package.json")), "no package.json file"},
		"package.json a folder":  {rawTar(entry('5', "package/package.json/", "")), "must be a regular file"},
		"package.json a link":    {rawTar(indexEntry(), symlink("package/package.json", "index.js")), "must be a regular file"},
		"package.json hard link": {rawTar(indexEntry(), linkEntry('1', "package/package.json", "package/index.js")), "must be a regular file"},
		"Package.json":           {rawTar(manifestEntry(), named("package/Package.JSON")), "of exactly this name"},
		"second package.json":    {rawTar(manifestEntry(), manifestEntry()), "another entry (a file) has the same place"},
		"empty manifest":         {withManifest(""), "not a JSON object"},
		"manifest not JSON":      {withManifest("{"), "not a JSON object"},
		"manifest an array":      {withManifest(`["name"]`), "not a JSON object"},
		"manifest null":          {withManifest(`null`), "has no name"},
		"no name":                {withManifest(`{"Name":"a","version":"1.0.0"}`), "has no name"},
		"name a number":          {withManifest(`{"name":7}`), "a name that is not a string"},
		"name null":              {withManifest(`{"name":null}`), "a name that is not a string"},
		"version a number":       {withManifest(`{"name":"a","version":1}`), "a version that is not a string"},
		"bad name":               {withManifest(`{"name":"../a"}`), `package name "../a" is not valid`},
	}.run(t)
}

func TestCheckRefusesNames(t *testing.T) {
	tarCases{
		"absolute":          {rawTar(named("/etc/passwd")), `"/etc/passwd": its name is absolute`},
		"dot dot":           {rawTar(named("package/../../x")), `a part ".."`},
		"dot dot first":     {rawTar(named("../package/x")), `a part ".."`},
		"dot":               {rawTar(named("./package/x")), `a part "."`},
		"backslash":         {rawTar(named(`package/..\x`)), "backslash"},
		"NUL in pax":        {rawTar(pax('x', "path=package/a\x00b"), indexEntry()), "differently"},
		"NUL in GNU name":   {rawTar(entry('L', "././@LongLink", "package/a\x00b"), indexEntry()), "NUL inside"},
		"control character": {rawTar(named("package/a\nb")), "control character"},
		"not UTF-8":         {rawTar(named("package/\xff")), "not UTF-8"},
		"drive letter":      {rawTar(named("package/C:/x")), "drive letter"},
		"drive letter top":  {rawTar(named("c:package/x")), "drive letter"},
		"empty part":        {rawTar(named("package//x")), "empty part"},
		"file with slash":   {rawTar(named("package/x/")), "empty part"},
		"old folder":        {rawTar(manifestEntry(), entry(0, "package/x/", indexEntry())), "a folder with content"},
		"long name":         {rawTar(pax('x', "path=package/"+strings.Repeat("a", 1100)), indexEntry()), "longer than 1024"},
		"deep name":         {rawTar(pax('x', "path=package/"+strings.Repeat("a/", 128)), indexEntry()), "128 folders"},
		"empty name":        {rawTar(named("")), "its name is empty"},
	}.run(t)
}

func TestCheckRefusesPlaces(t *testing.T) {
	tarCases{
		"two top folders":     {rawTar(manifestEntry(), named("other/x")), "lies outside"},
		"same under two tops": {rawTar(manifestEntry(), named("other/package.json")), "lies outside"},
		"no folder":           {rawTar(named("index.js")), "lies in no folder"},
		"top is a link":       {rawTar(symlink("package", "/"), manifestEntry()), "lies in no folder"},
		"same name":           {rawTar(manifestEntry(), indexEntry(), indexEntry()), "same place"},
		"file and folder":     {rawTar(manifestEntry(), indexEntry(), entry('5', "package/index.js/", "")), "same place"},
		"folder and file":     {rawTar(manifestEntry(), named("package/a/b"), named("package/a")), "another entry (a folder)"},
		"below a file":        {rawTar(manifestEntry(), indexEntry(), named("package/index.js/x")), "below a file"},
		"below a link":        {rawTar(manifestEntry(), symlink("package/a", "b"), named("package/a/x")), "below a link"},
		"link over folder":    {rawTar(manifestEntry(), named("package/a/x"), symlink("package/a", "b")), "same place"},
	}.run(t)
}

func TestCheckRefusesLinks(t *testing.T) {
	tarCases{
		"link out":              {rawTar(symlink("package/a", "../x")), "outside the package"},
		"link to parent":        {rawTar(symlink("package/a", "..")), "outside the package"},
		"link out and back":     {rawTar(symlink("package/a", "../package/x")), "outside the package"},
		"link deep out":         {rawTar(symlink("package/a/b", "../../x")), "outside the package"},
		"link absolute":         {rawTar(symlink("package/a", "/etc/passwd")), "the target is absolute"},
		"link misleading":       {rawTar(symlink("package/a", "b/c/../../../x")), `the target has a part ".."`},
		"link nowhere":          {rawTar(symlink("package/a", "")), "the target is empty"},
		"link backslash":        {rawTar(symlink("package/a", `..\x`)), "backslash"},
		"link drive":            {rawTar(symlink("package/a", `C:x`)), "drive letter"},
		"hard link out":         {rawTar(linkEntry('1', "package/a", "../x")), `a part ".."`},
		"hard link absolute":    {rawTar(linkEntry('1', "package/a", "/etc/passwd")), "absolute"},
		"hard link other top":   {rawTar(linkEntry('1', "package/a", "other/x")), "outside the package"},
		"hard link to the top":  {rawTar(linkEntry('1', "package/a", "package")), "outside the package"},
		"link with content":     {rawTar(entry('2', "package/a", "x", set(ustar.OffLink, "b"))), "with content"},
		"folder with content":   {rawTar(entry('5', "package/a/", "x")), "with content"},
		"file with target":      {rawTar(entry('0', "package/a", "x", set(ustar.OffLink, "b"))), "only a link may have"},
		"file with pax target":  {rawTar(pax('x', "linkpath=b"), indexEntry()), "only a link may have"},
		"extension with target": {rawTar(entry('L', "L", "a", set(ustar.OffLink, "b")), indexEntry()), "only a link may have"},
		"file with GNU target":  {rawTar(entry('K', "K", "b"), indexEntry()), "only a link may have"},
	}.run(t)
}

func TestCheckRefusesTypes(t *testing.T) {
	tarCases{
		"character device": {rawTar(entry('3', "package/a", "")), "is a device"},
		"block device":     {rawTar(entry('4', "package/a", "")), "is a device"},
		"fifo":             {rawTar(entry('6', "package/a", "")), "is a fifo"},
		"contiguous file":  {rawTar(entry('7', "package/a", "x")), "of the tar type '7'"},
		"sparse file":      {rawTar(entry('S', "package/a", "x")), "a sparse file"},
		"unknown type":     {rawTar(entry('Z', "package/a", "x")), "of the tar type 'Z'"},
		"pax of Solaris":   {rawTar(entry('X', "package/a", "x")), "of the tar type 'X'"},
		"GNU sparse in pax": {rawTar(pax('x', "GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=package/evil"), indexEntry()),
			`"GNU.sparse.major"`},
	}.run(t)
}

func TestCheckRefusesExtensions(t *testing.T) {
	tarCases{
		"global path":           {rawTar(pax('g', "path=package/evil"), manifestEntry()), "only a comment"},
		"global vendor":         {rawTar(pax('g', "a.b=c"), manifestEntry()), "only a comment"},
		"global later":          {rawTar(manifestEntry(), pax('g', "comment=x")), "not at its start"},
		"pax type":              {rawTar(pax('x', "type=SymbolicLink"), indexEntry()), `"type"`},
		"pax mode":              {rawTar(pax('x', "mode=04755"), indexEntry()), `"mode"`},
		"pax empty path":        {rawTar(pax('x', "path="), indexEntry()), `"path"`},
		"pax hidden line":       {rawTar(pax('x', "comment=a\n21 path=package/evil\n"), indexEntry()), "differently"},
		"pax hidden in vendor":  {rawTar(pax('x', "a.b=a\n 21 path=package/evil"), indexEntry()), "differently"},
		"pax other size":        {rawTar(pax('x', "size=512"), indexEntry()), "different sizes"},
		"pax huge size":         {rawTar(pax('x', "size=9223372036854775807"), indexEntry()), "different sizes"},
		"pax negative size":     {rawTar(pax('x', "size=-1"), indexEntry()), "different sizes"},
		"pax garbage":           {rawTar(entry('x', "p", "12 path\n"), indexEntry()), "length key=value"},
		"pax signed length":     {rawTar(entry('x', "p", "+11 path=abc\n"), indexEntry()), "length key=value"},
		"pax length beyond":     {rawTar(entry('x', "p", "99 path=abc\n"), indexEntry()), "length key=value"},
		"pax bad time":          {rawTar(pax('x', "mtime=abc"), indexEntry()), "can't be read"},
		"pax twice":             {rawTar(pax('x', "path=package/a"), pax('x', "uid=1"), indexEntry()), "more than one extension"},
		"pax and GNU":           {rawTar(pax('x', "uid=1"), entry('L', "L", "package/a\x00"), indexEntry()), "more than one extension"},
		"GNU and pax":           {rawTar(entry('L', "L", "package/a\x00"), pax('x', "uid=1"), indexEntry()), "more than one extension"},
		"GNU twice":             {rawTar(entry('L', "L", "a"), entry('L', "L", "b"), indexEntry()), "more than one extension"},
		"empty extension":       {rawTar(entry('x', "p", ""), indexEntry()), "extension header"},
		"long extension":        {rawTar(pax('x', "a.b="+strings.Repeat("a", 70_000)), indexEntry()), "the limit is 64 KiB"},
		"extension for nothing": {rawTar(manifestEntry(), pax('x', "uid=1")), "belongs to no entry"},
	}.run(t)
}

func TestCheckRefusesHeaders(t *testing.T) {
	tarCases{
		"negative size": {rawTar(entry('0', "package/a", "", set(ustar.OffSize, strings.Repeat("\xff", 12)))), "its size is not"},
		"huge size":     {rawTar(entry('0', "package/a", "", set(ustar.OffSize, "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff"))), "its size is not"},
		"size not octal": {rawTar(entry('0', "package/a", "", set(ustar.OffSize, "00000000009 "))),
			"its size is not"},
		"wrong checksum": {[]byte(strings.Replace(string(rawTar(manifestEntry())), "package.json", "package.jsoN", 1)), "checksum is wrong"},
		"signed checksum": {rawTar(entry('0', "package/ü", "x", func(h *ustar.Block) {
			h[ustar.OffPrefix] = 0
		})[:ustar.OffSum] + signedSum(entry('0', "package/ü", "x"))), "checksum is wrong"},
		"large mode":        {rawTar(entry('0', "package/a", "x", set(ustar.OffMode, "\x80\x00\x00\x00\x00\x00\x01\xa4"))), "as their programs write it"},
		"mode no number":    {rawTar(entry('0', "package/a", "x", set(ustar.OffMode, "rw-r--r-"))), "as their programs write it"},
		"uid out of range":  {rawTar(entry('0', "package/a", "x", set(ustar.OffUID, "\x80\xff\xff\xff\xff\xff\xff\xff"))), "as their programs write it"},
		"star time":         {rawTar(entry('0', "a", "x", set(ustar.OffPrefix, "package"), set(offStarATime, "\x81"))), "as their programs write it"},
		"garbage in name":   {rawTar(entry('0', "package/a\x00\nb", "x")), "as their programs write it"},
		"garbage in prefix": {rawTar(entry('0', "a", "x", set(ustar.OffPrefix, "package\x00x"))), "as their programs write it"},
		"GNU with prefix":   {rawTar(entry('0', "a", "x", set(ustar.OffMagic, ustar.MagicGNU), set(ustar.OffPrefix, "package"))), "as their programs write it"},
		"star":              {rawTar(entry('0', "package/a", "x", set(ustar.OffTrailer, ustar.TrailStar))), "as their programs write it"},
		"unknown magic":     {rawTar(entry('0', "package/a", "x", set(ustar.OffMagic, "ustar\x0099"))), "as their programs write it"},
	}.run(t)
}

func TestCheckRefusesEnds(t *testing.T) {
	tarCases{
		"no end":          {[]byte(manifestEntry()), "cut off"},
		"half an end":     {[]byte(manifestEntry() + strings.Repeat("\x00", ustar.BlockSize)), "cut off"},
		"data after end":  {append(rawTar(manifestEntry()), indexEntry()...), "data after the zero block"},
		"byte after end":  {append(rawTar(manifestEntry()), 1), "cut off"},
		"hole in the tar": {[]byte(manifestEntry() + strings.Repeat("\x00", ustar.BlockSize) + indexEntry()), "data after the zero block"},
		"not a tar":       {[]byte(strings.Repeat("hello world\n", 1000)), "checksum is wrong"},
	}.run(t)
}

// signedSum is the rest of an entry, from its checksum on, with the sum that
// adds the bytes as signed numbers.
func signedSum(e string) string {
	h := ustar.Block([]byte(e[:ustar.BlockSize]))
	sum := h.Sum()
	for _, c := range h {
		if c >= 0x80 {
			sum -= 256
		}
	}
	putOctal(h[ustar.OffSum:ustar.EndSum], sum)
	return string(h[ustar.OffSum:]) + e[ustar.BlockSize:]
}
