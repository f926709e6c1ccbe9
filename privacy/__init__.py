"""What we owe the people the data is about: retention, the processing register, the register of promises."""
