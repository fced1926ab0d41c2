# A formula for Homebrew, untested: it needs a public release. packaging/release.sh fills in OWNER and the checksums.
class IlumaSandbox < Formula
  desc "Local sandbox of the Iluma KYC API"
  homepage "https://github.com/OWNER/iluma-sandbox"
  version "0.1.0"
  license "MIT"

  on_macos do
    on_arm do
      url "https://github.com/OWNER/iluma-sandbox/releases/download/v0.1.0/iluma-sandbox-aarch64-apple-darwin.tar.gz"
      sha256 "0000000000000000000000000000000000000000000000000000000000000000"
    end
    on_intel do
      url "https://github.com/OWNER/iluma-sandbox/releases/download/v0.1.0/iluma-sandbox-x86_64-apple-darwin.tar.gz"
      sha256 "0000000000000000000000000000000000000000000000000000000000000000"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/OWNER/iluma-sandbox/releases/download/v0.1.0/iluma-sandbox-aarch64-unknown-linux-gnu.tar.gz"
      sha256 "0000000000000000000000000000000000000000000000000000000000000000"
    end
    on_intel do
      url "https://github.com/OWNER/iluma-sandbox/releases/download/v0.1.0/iluma-sandbox-x86_64-unknown-linux-gnu.tar.gz"
      sha256 "0000000000000000000000000000000000000000000000000000000000000000"
    end
  end

  def install
    bin.install "iluma-sandbox"
    generate_completions_from_executable(bin/"iluma-sandbox", "completions")
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/iluma-sandbox --version")
  end
end
