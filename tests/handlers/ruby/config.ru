# A Rails application with nothing but the controller of docs/handlers, for a test.
require "rails"
require "action_controller/railtie"

class App < Rails::Application
  config.eager_load = false
  config.secret_key_base = "unused"
  config.logger = Logger.new($stderr, level: :warn)
  config.hosts.clear
  routes.append { post "/webhooks/github", to: "github_webhooks#create" }
end

App.initialize!
require_relative "github_webhooks_controller"

run App
