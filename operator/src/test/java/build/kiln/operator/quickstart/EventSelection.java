package build.kiln.operator.quickstart;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventList;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.mockwebserver.http.Dispatcher;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Lists the events of one object, as {@code kubectl describe} asks for them: fabric8's server
 * selects by nothing but a name.
 */
final class EventSelection extends Dispatcher {
  private static final String SELECTOR = "fieldSelector=";
  private final Dispatcher next;

  EventSelection(Dispatcher next) {
    this.next = next;
  }

  @Override
  public MockResponse dispatch(RecordedRequest request) {
    var path = request.getPath();
    int query = path.indexOf('?');
    if (query < 0
        || !request.getMethod().equals("GET")
        || !path.substring(0, query).endsWith("/events")
        || !path.contains("involvedObject")
        || path.contains("watch=")) {
      return next.dispatch(request);
    }
    var parameters = List.of(path.substring(query + 1).split("&"));
    var rest = parameters.stream().filter(parameter -> !parameter.startsWith(SELECTOR)).toList();
    var all =
        next.dispatch(
            new RecordedRequest(
                request.getHttpVersion(),
                request.method(),
                path.substring(0, query + 1) + String.join("&", rest),
                request.getHeaders(),
                request.getBody()));
    var events =
        Serialization.unmarshal(
            new String(all.getBody().getBytes(), StandardCharsets.UTF_8), EventList.class);
    var wanted =
        parameters.stream()
            .filter(parameter -> parameter.startsWith(SELECTOR))
            .map(parameter -> parameter.substring(SELECTOR.length()))
            .map(selector -> URLDecoder.decode(selector, StandardCharsets.UTF_8))
            .flatMap(selector -> Stream.of(selector.split(",")))
            .map(EventSelection::matcher)
            .reduce(event -> true, Predicate::and);
    events.setKind("EventList");
    events.setItems(events.getItems().stream().filter(wanted).toList());
    return new MockResponse()
        .setResponseCode(200)
        .setHeader("Content-Type", "application/json")
        .setBody(Serialization.asJson(events));
  }

  /** A term such as {@code involvedObject.name=hello}. */
  private static Predicate<Event> matcher(String term) {
    int equals = term.indexOf('=');
    var value = term.substring(equals + 1);
    return event -> {
      ObjectReference object = event.getInvolvedObject();
      return switch (term.substring(0, equals)) {
        case "involvedObject.name" -> Objects.equals(object.getName(), value);
        case "involvedObject.namespace" -> Objects.equals(object.getNamespace(), value);
        case "involvedObject.kind" -> Objects.equals(object.getKind(), value);
        case "involvedObject.uid" -> Objects.equals(object.getUid(), value);
        default -> true;
      };
    };
  }

  @Override
  public void shutdown() {
    next.shutdown();
  }

  @Override
  public void releaseResources() {
    next.releaseResources();
  }
}
