// The SDK of the earlier generation, alibaba-cloud-sdk-go: typed requests, signature V1, JSON and XML.
package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"holdfast/test/clients/lines"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/rds"
)

var create = map[string]func() requests.AcsRequest{
	"CreateBackup":                func() requests.AcsRequest { return rds.CreateCreateBackupRequest() },
	"DeleteBackup":                func() requests.AcsRequest { return rds.CreateDeleteBackupRequest() },
	"DescribeBackupPolicy":        func() requests.AcsRequest { return rds.CreateDescribeBackupPolicyRequest() },
	"DescribeBackups":             func() requests.AcsRequest { return rds.CreateDescribeBackupsRequest() },
	"DescribeBackupTasks":         func() requests.AcsRequest { return rds.CreateDescribeBackupTasksRequest() },
	"DescribeDBInstanceAttribute": func() requests.AcsRequest { return rds.CreateDescribeDBInstanceAttributeRequest() },
	"DescribeDBInstances":         func() requests.AcsRequest { return rds.CreateDescribeDBInstancesRequest() },
	"DescribeRegions":             func() requests.AcsRequest { return rds.CreateDescribeRegionsRequest() },
	"ModifyBackupPolicy":          func() requests.AcsRequest { return rds.CreateModifyBackupPolicyRequest() },
}

func main() { lines.Serve(call) }

func call(ask lines.Ask) (lines.Answer, error) {
	client, err := rds.NewClientWithOptions("cn-hangzhou", sdk.NewConfig().WithScheme(strings.ToUpper(os.Args[2])),
		credentials.NewAccessKeyCredential(ask.Key.ID, ask.Key.Secret))
	if err != nil {
		return lines.Answer{}, err
	}
	client.Domain = os.Args[1]
	method := reflect.ValueOf(client).MethodByName(ask.Action)
	if !method.IsValid() {
		return lines.Answer{Kind: "absent"}, nil
	}
	if create[ask.Action] == nil {
		return lines.Answer{}, fmt.Errorf("this program makes no %s request, and the SDK can", ask.Action)
	}
	request := create[ask.Action]()
	if err := fill(request, ask); err != nil {
		return lines.Answer{}, err
	}
	results := method.Call([]reflect.Value{reflect.ValueOf(request)})
	if results[1].IsNil() {
		return lines.Answer{Kind: "reply", Reply: results[0].Interface()}, nil
	}
	return refused(results[1].Interface().(error))
}

func fill(request requests.AcsRequest, ask lines.Ask) error {
	target := reflect.ValueOf(request).Elem()
	target.FieldByName("AcceptFormat").SetString(ask.Format)
	for name, value := range ask.Parameters {
		field := target.FieldByName(name)
		if !field.IsValid() || field.Kind() != reflect.String {
			return fmt.Errorf("%sRequest has no parameter %s", ask.Action, name)
		}
		field.SetString(fmt.Sprint(value))
	}
	return nil
}

func refused(err error) (lines.Answer, error) {
	var server sdkerrors.Error
	if !errors.As(err, &server) || server.HttpStatus() == 0 {
		return lines.Answer{}, err
	}
	answer := lines.Answer{Kind: "refused", Code: server.ErrorCode(), Message: server.Message(), Status: server.HttpStatus()}
	if told, ok := err.(*sdkerrors.ServerError); ok {
		answer.RequestID = told.RequestId()
	}
	return answer, nil
}
