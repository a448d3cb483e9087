"""The stablecoin API under `/api/v1`: signed calls, flat errors, amounts as text. Source: contract stablecoin-api."""
