// Package webui serves the pages that people look at: server-rendered HTML that
// needs no JavaScript to be read.
//
// A page and the document of an API may have one address: who prefers HTML
// (httpkit.Prefers) gets the page, everybody else the document, and both say
// Vary: Accept. What only pages have lies below /-/web/.
//
// Everything a page shows comes from outside: names, READMEs, file contents,
// commit titles. html/template escapes it, package markup makes HTML of
// READMEs, and the Content-Security-Policy lets no page run or load anything that
// is not ours.
package webui
