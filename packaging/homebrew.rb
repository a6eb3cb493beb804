class Hookdev < Formula
  desc "{{description}}"
  homepage "{{homepage}}"
  version "{{version}}"
  license "{{license}}"

  on_macos do
    on_arm do
      url "{{repository}}/releases/download/v{{version}}/hookdev-{{version}}-aarch64-apple-darwin.tar.gz"
      sha256 "{{sha256:aarch64-apple-darwin}}"
    end
    on_intel do
      url "{{repository}}/releases/download/v{{version}}/hookdev-{{version}}-x86_64-apple-darwin.tar.gz"
      sha256 "{{sha256:x86_64-apple-darwin}}"
    end
  end

  on_linux do
    on_arm do
      url "{{repository}}/releases/download/v{{version}}/hookdev-{{version}}-aarch64-unknown-linux-musl.tar.gz"
      sha256 "{{sha256:aarch64-unknown-linux-musl}}"
    end
    on_intel do
      url "{{repository}}/releases/download/v{{version}}/hookdev-{{version}}-x86_64-unknown-linux-musl.tar.gz"
      sha256 "{{sha256:x86_64-unknown-linux-musl}}"
    end
  end

  def install
    bin.install "hookdev"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/hookdev.bash" => "hookdev"
    fish_completion.install "completions/hookdev.fish"
    zsh_completion.install "completions/_hookdev"
  end

  test do
    system bin/"hookdev", "demo"
  end
end
