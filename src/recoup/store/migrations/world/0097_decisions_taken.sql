-- Which of its alternatives a decision took, where it chose among them: the route of an attempt.
ALTER TABLE decisions ADD COLUMN taken text;
