class GithubWebhooksController < ActionController::API
  def create
    body = request.raw_post # not params: those are parsed
    return render plain: "wrong signature\n", status: :unauthorized unless genuine?(body)

    event = JSON.parse(body)
    # Queue the work under the id in X-GitHub-Delivery, and do nothing if that id is known.
    head :accepted
  end

  private

  def genuine?(body)
    secret = ENV["GITHUB_WEBHOOK_SECRET"].presence or raise "GITHUB_WEBHOOK_SECRET is not set"
    expected = "sha256=" + OpenSSL::HMAC.hexdigest("SHA256", secret, body)
    ActiveSupport::SecurityUtils.secure_compare(request.headers["X-Hub-Signature-256"].to_s, expected)
  end
end
