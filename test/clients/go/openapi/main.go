// The client that the newer Go SDKs are generated on, darabonba-openapi: actions by name, signature V3.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"holdfast/test/clients/lines"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	"github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/alibabacloud-go/tea/tea"
)

func main() { lines.Serve(call) }

func call(ask lines.Ask) (lines.Answer, error) {
	client, err := openapi.NewClient(&utils.Config{
		AccessKeyId:     dara.String(ask.Key.ID),
		AccessKeySecret: dara.String(ask.Key.Secret),
		Endpoint:        dara.String(os.Args[1]),
		Protocol:        dara.String(os.Args[2]),
		RegionId:        dara.String("cn-hangzhou"),
	})
	if err != nil {
		return lines.Answer{}, err
	}
	query := map[string]*string{}
	for name, value := range ask.Parameters {
		query[name] = dara.String(fmt.Sprint(value))
	}
	// As the generated SDK of rds20140815 calls it.
	params := &utils.Params{
		Action:      dara.String(ask.Action),
		Version:     dara.String("2014-08-15"),
		Protocol:    dara.String("HTTPS"),
		Pathname:    dara.String("/"),
		Method:      dara.String("POST"),
		AuthType:    dara.String("AK"),
		Style:       dara.String("RPC"),
		ReqBodyType: dara.String("formData"),
		BodyType:    dara.String("json"),
	}
	reply, err := client.CallApi(params, &utils.OpenApiRequest{Query: query}, &dara.RuntimeOptions{})
	if err != nil {
		return refused(err)
	}
	return lines.Answer{Kind: "reply", Reply: reply["body"]}, nil
}

func refused(err error) (lines.Answer, error) {
	var told *tea.SDKError
	if !errors.As(err, &told) || told.StatusCode == nil {
		return lines.Answer{}, err
	}
	var data struct{ RequestId string }
	if err := json.Unmarshal([]byte(tea.StringValue(told.Data)), &data); err != nil {
		return lines.Answer{}, err
	}
	return lines.Answer{Kind: "refused", Code: tea.StringValue(told.Code), Message: tea.StringValue(told.Message),
		RequestID: data.RequestId, Status: tea.IntValue(told.StatusCode)}, nil
}
