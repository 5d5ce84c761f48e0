package build.kiln.operator.e2e;

import static java.util.stream.Collectors.joining;

import java.util.List;
import java.util.stream.Stream;

/**
 * What the tests run in the cluster beside Kiln, each reachable from pods, the node and the test.
 */
enum Service {
  /** A registry that asks for nothing. */
  REGISTRY("registry", 5000, 30500, "10.43.200.10", Images.REGISTRY),
  /** A registry that wants {@link #USER} and {@link #PASSWORD}. */
  PRIVATE_REGISTRY("private-registry", 5000, 30501, "10.43.200.11", Images.REGISTRY),
  /** A {@link DenyingRegistry}. */
  DENYING_REGISTRY("denying-registry", 5000, 30502, "10.43.200.12", ServersImage.NAME),
  /** The Git server; what is under /private wants the same user. */
  GIT("git", 8080, 30503, "10.43.200.13", ServersImage.NAME);

  static final String USER = "builder";
  static final String PASSWORD = "builder-password";

  /** bcrypt of {@link #PASSWORD}. */
  private static final String HTPASSWD =
      USER + ":$2y$05$Y0jqZgzjKkSra0DqbAyvLeQP3/MojUbcbF26rilfvwdypvYF/vMMO";

  private final String name;
  private final int port;
  private final int nodePort;
  private final String clusterIp;
  private final String image;

  Service(String name, int port, int nodePort, String clusterIp, String image) {
    this.name = name;
    this.port = port;
    this.nodePort = nodePort;
    this.clusterIp = clusterIp;
    this.image = image;
  }

  static List<Service> registries() {
    return List.of(REGISTRY, PRIVATE_REGISTRY);
  }

  int nodePort() {
    return nodePort;
  }

  /** The name and port that pods use. */
  String address() {
    return name + "." + Cluster.SERVICES + ":" + port;
  }

  /** What containerd's certs.d wants: the node has no cluster DNS. */
  String hostsToml() {
    return "server = \"http://%s:%d\"%n".formatted(clusterIp, port);
  }

  /** The same for k3s; of Docker Hub the first registry is a mirror. */
  static String registriesYaml() {
    return Stream.concat(
            Stream.of(REGISTRY.mirrorOf("docker.io")),
            registries().stream().map(registry -> registry.mirrorOf(registry.address())))
        .collect(joining("", "mirrors:\n", ""));
  }

  private String mirrorOf(String name) {
    return "  \"%s\": {endpoint: [\"http://%s:%d\"]}%n".formatted(name, clusterIp, port);
  }

  /** All of them as Kubernetes manifests. */
  static String manifests() {
    var shared =
        """
        apiVersion: v1
        kind: Namespace
        metadata: {name: %1$s}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: htpasswd, namespace: %1$s}
        stringData: {htpasswd: '%2$s'}
        """
            .formatted(Cluster.SERVICES, HTPASSWD);
    return Stream.concat(Stream.of(shared), Stream.of(values()).map(Service::manifest))
        .collect(joining("---\n"));
  }

  private String manifest() {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: %1$s, namespace: %2$s}
    spec:
      type: NodePort
      clusterIP: %3$s
      selector: {app: %1$s}
      ports: [{port: %4$d, targetPort: %4$d, nodePort: %5$d}]
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: %1$s, namespace: %2$s}
    spec:
      selector: {matchLabels: {app: %1$s}}
      template:
        metadata: {labels: {app: %1$s}}
        spec:
          terminationGracePeriodSeconds: 0
          containers:
          - name: server
            image: %6$s
            imagePullPolicy: IfNotPresent
            env: %7$s
            %8$s
            readinessProbe: {tcpSocket: {port: %4$d}, periodSeconds: 1}
            volumeMounts: [{name: htpasswd, mountPath: /auth}]
          volumes: [{name: htpasswd, secret: {secretName: htpasswd}}]
    """
        .formatted(
            name, Cluster.SERVICES, clusterIp, port, nodePort, image, environment(), command());
  }

  private String environment() {
    var delete = "{name: REGISTRY_STORAGE_DELETE_ENABLED, value: \"true\"}";
    return switch (this) {
      case REGISTRY -> "[" + delete + "]";
      case PRIVATE_REGISTRY ->
          "["
              + delete
              + ", {name: REGISTRY_AUTH, value: htpasswd}"
              + ", {name: REGISTRY_AUTH_HTPASSWD_REALM, value: kiln}"
              + ", {name: REGISTRY_AUTH_HTPASSWD_PATH, value: /auth/htpasswd}]";
      case DENYING_REGISTRY -> "[]";
      case GIT ->
          "[{name: GIT_USER, value: %s}, {name: GIT_PASSWORD, value: %s}]"
              .formatted(USER, PASSWORD);
    };
  }

  private String command() {
    return switch (this) {
      case REGISTRY, PRIVATE_REGISTRY -> "";
      case DENYING_REGISTRY -> "command: " + ServersImage.command(DenyingRegistry.class, "5000");
      case GIT -> "command: " + ServersImage.command(GitServer.class, "8080", "/tmp/repositories");
    };
  }
}
