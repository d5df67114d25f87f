import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Answers calls that come as lines of JSON on stdin, one line each on stdout. */
final class Lines {
    /** One call: what a program is told to do. */
    record Ask(String action, Map<String, String> parameters, String keyId, String secret, String format) {}

    interface Call {
        /** Gives what the client made of the reply. What it throws is no answer of the service, and ends the program. */
        Map<String, Object> answer(Ask ask) throws Exception;
    }

    private static final Gson GSON = new Gson();

    static void serve(Call call) throws Exception {
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        // SDKs write warnings to stdout, where answers go.
        var output = System.out;
        System.setOut(System.err);
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            output.println(GSON.toJson(call.answer(read(line))));
            output.flush();
        }
        System.exit(0);
    }

    private static Ask read(String line) {
        JsonObject ask = GSON.fromJson(line, JsonObject.class);
        JsonObject key = ask.getAsJsonObject("key");
        Map<String, String> parameters = new LinkedHashMap<>();
        for (Map.Entry<String, JsonElement> entry : ask.getAsJsonObject("parameters").entrySet()) {
            parameters.put(entry.getKey(), entry.getValue().getAsString());
        }
        return new Ask(ask.get("action").getAsString(), parameters, key.get("id").getAsString(),
                key.get("secret").getAsString(), ask.get("format").getAsString());
    }

    static Map<String, Object> reply(Object reply) {
        return Map.of("kind", "reply", "reply", reply);
    }

    static Map<String, Object> unsendable(String reason) {
        return Map.of("kind", "unsendable", "reason", reason);
    }

    static Map<String, Object> absent() {
        return Map.of("kind", "absent");
    }

    static Map<String, Object> refused(String code, String message, String requestId, Integer status) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("kind", "refused");
        answer.put("code", code);
        answer.put("message", message);
        answer.put("requestId", requestId);
        answer.put("status", status);
        return answer;
    }

    private Lines() {}
}
