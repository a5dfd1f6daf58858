package auth

// Operator is the principal of whoever runs commands on the server's own data
// folder; it has all rights. Whoever calls this must have seen proof of that.
func Operator() Principal { return Principal{user: operatorUser, permission: Admin} }
