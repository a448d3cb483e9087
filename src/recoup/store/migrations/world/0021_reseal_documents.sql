-- Documents go over to a new key when keys are rotated.
GRANT UPDATE (sealed) ON application_documents TO recoup_app;
