// Package search finds packages of all kinds in one index on disk, which every server keeps for itself: it is made from
// the stores when it is missing, and follows their change feed (store/feed). It holds nothing that can't be had again.
//
// Documents are found by words: those of the name (parted at - _ / . and where camelCase begins a word), their
// beginnings, the keywords, the description, the people and, of a repository, its packages' names. A search finds what
// has all of its words. A word of five letters or more that fewer than ten documents have is also looked for with one
// letter wrong.
//
// Rank: what has exactly the name that was typed comes first; what was only found by a typo comes last. In between, and
// among each of these, by
//
//	text × popularity × freshness
//
//	text        the mean of what the words weigh where they were found: 8 as a word of the name, 5 as a keyword, 4 as
//	            the beginning of a word of the name, 2 as a person, 1.5 as a word of the description, 1 as a typo;
//	            times 0.6 to 1 for how much of the name was typed, times 1.5 if the name begins with what was typed,
//	            times 2 if it is that, but for the scope
//	popularity  1 + log10(1 + downloads of the last 30 days) / 4
//	freshness   0.8 + 0.2 × 2^(-age / 1 year), by the day
//
// and then by name and kind. Nothing in it depends on how many documents there are, or in which order they came, so
// every server answers alike, and pages of one answer neither overlap nor leave gaps while nothing is published.
//
// Beside words there are filters (see parse), of which one asks for what depends on a package: see Dependents.
//
// What is typed is read by a small parser of its own (see parse), and never by the index library's query language.
//
// The package knows neither stores nor other domains: Sources tell it what there is, Popularity what is downloaded.
package search
