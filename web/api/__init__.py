"""The routes that programs call: tokens' API, add-on, schedulers; each module gives its `blueprint`."""
