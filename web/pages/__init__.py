"""The pages a member sees, one module a part of the product; each gives its `blueprint`."""
