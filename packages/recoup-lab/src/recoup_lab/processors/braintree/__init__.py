"""A stand-in of Braintree's GraphQL."""
