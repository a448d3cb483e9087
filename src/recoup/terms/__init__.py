"""A merchant's dated terms: fees, arms, exposure, advances, settlement."""
