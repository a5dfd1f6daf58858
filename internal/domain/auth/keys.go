package auth

import "github.com/org/registry-action/internal/store/kv"

// Every storage key of accounts and tokens is made here.
//
//	auth/token            {hash}    what a token may do, by the SHA-256 of its text
//	auth/tokens/{user}    {hash}    the same, for the list of a user
//	auth/name             {name}    a user name that was ever given out
//	auth/user             {name}    an account
//	auth/login            {id}      a login in a browser that waits
//	auth/attempts/{hash}  count     attempts with a password of a user or from an address

const (
	tokenPartition = "auth/token"
	userPartition  = "auth/user"
)

func tokenKey(hash string) kv.Key { return kv.Key{Partition: tokenPartition, Sort: hash} }

func userTokens(user string) string { return "auth/tokens/" + user }

func userTokenKey(user, hash string) kv.Key { return kv.Key{Partition: userTokens(user), Sort: hash} }

func nameKey(user string) kv.Key { return kv.Key{Partition: "auth/name", Sort: user} }

func userKey(name string) kv.Key { return kv.Key{Partition: userPartition, Sort: name} }

func loginKey(id string) kv.Key { return kv.Key{Partition: "auth/login", Sort: id} }

func attemptsKey(q quota) kv.Key { return kv.Key{Partition: "auth/attempts/" + q.id(), Sort: "count"} }
