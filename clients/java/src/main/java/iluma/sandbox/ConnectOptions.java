package iluma.sandbox;

/** How to connect to a running sandbox. Each value has a variable as its default, which the commands of the sandbox read too. */
public final class ConnectOptions {
    private String url;
    private String apiKey;
    private String controlToken;
    private String caPem;

    /** The default is {@code ILUMA_SANDBOX_URL}. */
    public ConnectOptions url(String url) {
        this.url = url;
        return this;
    }

    /** The default is {@code ILUMA_SANDBOX_API_KEY}, else the key of the documentation. */
    public ConnectOptions apiKey(String apiKey) {
        this.apiKey = apiKey;
        return this;
    }

    /** The default is {@code ILUMA_SANDBOX_CONTROL_TOKEN}. The container image always requires a token. */
    public ConnectOptions controlToken(String controlToken) {
        this.controlToken = controlToken;
        return this;
    }

    /** The certificate authority to trust, in PEM. The default is the file {@code ILUMA_SANDBOX_CA_FILE}. */
    public ConnectOptions caPem(String caPem) {
        this.caPem = caPem;
        return this;
    }

    String url() {
        return url;
    }

    String apiKey() {
        return apiKey;
    }

    String controlToken() {
        return controlToken;
    }

    String caPem() {
        return caPem;
    }
}
